-- Since when the planned batches of a campaign have been waiting to be sent. Metrics show the longest wait.
-- @include head, held_hashes

-- States of a campaign in which none of its planned batches goes out.
local STAYS = {planning = true, draft = true, paused = true, cancelling = true}

-- Notes since when new campaigns have been waiting: `since` is a list of moment (unix ms), campaign id, ...
local function note_waiting(account, since)
  redis.call('ZADD', METRICS .. ':' .. account .. ':planned', unpack(since))
end

-- Notes since when a campaign has been waiting for its planned batches to be sent (unix ms, `now` at the earliest), or
-- that it does not wait. Call it after a change of the campaign's state or time, or of whether it has planned batches.
local function note_planned(account, campaign, campaign_id, now)
  local of = hmget(campaign, 'state', 'b:planned', 'not_before_ms', 'first_ms')
  local waiting = METRICS .. ':' .. account .. ':planned'
  if STAYS[of[1]] or tonumber(of[2] or '0') == 0 then
    redis.call('ZREM', waiting, campaign_id)
  else
    redis.call('ZADD', waiting, math.max(now, tonumber(of[3] or of[4] or '0')), campaign_id)
  end
end
