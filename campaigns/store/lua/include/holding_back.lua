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
-- it is one. `of`: its fields `not_before_ms` and `zone`.
local function campaign_held_until(campaign, of, now)
  local at = tonumber(of.not_before_ms or '0')
  if at > now then return at end
  if of.zone then return window_opens(campaign, of.zone, now), of.zone end
end

-- The same of one of its batches. `of`: fields of the campaign, `schedule_ms` too; `own`: `not_before_ms`,
-- `confirming_ms` and `zone` of the batch.
local function batch_held_until(campaign, of, own, now)
  local at = tonumber(of.not_before_ms or own.not_before_ms or '0')
  -- A list mailing that was almost confirmed stands at the gateway under its old time, and goes out when it is.
  if of.schedule_ms and own.confirming_ms then at = tonumber(of.schedule_ms) end
  if at > now then return at end
  local zone = own.zone or of.zone
  if zone then return window_opens(campaign, zone, now), zone end
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
