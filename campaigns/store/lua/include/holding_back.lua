-- Until when batches are held back by the calendar: a scheduled batch is handed over shortly before its time, and one
-- with a window only while that is open. A campaign that was rescheduled has one time for all of its batches.
-- @include head, event

-- Where no opening of a window is known, it is checked again after this time: sweeping writes further ones.
local NO_OPENING_MS = 30000

-- When the window of a zone opens (unix ms), if it is closed now; nil if it is open. `campaign` is its name.
local function window_opens(campaign, zone, now)
  for from, till in string.gmatch(redis.call('HGET', campaign, 'open:' .. zone) or '', '(%d+)-(%d+)') do
    if tonumber(till) > now then
      if tonumber(from) > now then return tonumber(from) end
      return nil
    end
  end
  return now + NO_OPENING_MS
end

-- When a campaign may go out (unix ms), if that is later than now; nil if it may. And the zone whose window that is, if
-- it is one.
local function campaign_held_until(campaign, now)
  local own = redis.call('HMGET', campaign, 'not_before_ms', 'zone')
  local at = tonumber(own[1] or '0')
  if at > now then return at end
  if own[2] then return window_opens(campaign, own[2], now), own[2] end
end

-- The same of one of its batches. `k`: names of batch and campaign.
local function batch_held_until(k, now)
  local moved = redis.call('HMGET', k.campaign, 'not_before_ms', 'schedule_ms', 'zone')
  local own = redis.call('HMGET', k.batch, 'not_before_ms', 'confirming_ms', 'zone')
  local at = tonumber(moved[1] or own[1] or '0')
  -- A list mailing that was almost confirmed stands at the gateway under its old time, and goes out when it is.
  if moved[2] and own[2] then at = tonumber(moved[2]) end
  if at > now then return at end
  local zone = own[3] or moved[3]
  if zone then return window_opens(k.campaign, zone, now), zone end
end

-- Reports once per opening that the batches of a campaign in a zone wait for it, and counts none of them as late.
-- Emits: campaign.window_closed.
local function report_closed(events, account, campaign, campaign_id, zone, opens, now)
  redis.call('ZADD', METRICS .. ':' .. account .. ':planned', 'XX', 'GT', opens, campaign_id)
  local announced = 'announced:' .. zone
  if tonumber(redis.call('HGET', campaign, announced) or '0') >= opens or opens - now <= NO_OPENING_MS then return end
  redis.call('HSET', campaign, announced, string.format('%.0f', opens))
  emit(events, campaign, campaign_id, 'campaign.window_closed', campaign_id, '{"zone":' .. cjson.encode(zone) ..
    ',"opens_ms":' .. string.format('%.0f', opens) ..
    ',"recipients":' .. (redis.call('HGET', campaign, 'r:planned') or '0') .. '}', now)
end
