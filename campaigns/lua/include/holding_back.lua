-- Until when batches stay here although nothing else keeps them: what is scheduled is handed over shortly before its
-- time. A campaign that was rescheduled has one time for all of its batches, whatever each was planned for.

-- When a campaign may go out (unix ms), if that is later than now; nil if it may.
local function campaign_held_until(campaign, now)
  local at = tonumber(redis.call('HGET', campaign, 'not_before_ms') or '0')
  if at > now then return at end
end

-- The same of one of its batches. `k`: names of batch and campaign.
local function batch_held_until(k, now)
  local moved = redis.call('HMGET', k.campaign, 'not_before_ms', 'schedule_ms')
  local own = redis.call('HMGET', k.batch, 'not_before_ms', 'confirming_ms')
  local at = tonumber(moved[1] or own[1] or '0')
  -- A list mailing that was almost confirmed stands at the gateway under its old time, and goes out when it is.
  if moved[2] and own[2] then at = tonumber(moved[2]) end
  if at > now then return at end
end
