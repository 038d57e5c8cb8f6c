-- The rate of a campaign whose job asks for one: `spacing_ms` between two recipients. Each claim sets `next_ms`, and
-- no batch of the campaign is claimed before that moment, whatever kept it from going out when its turn came.
-- A campaign without a rate costs nothing here.

-- The time that `n` recipients take (ms); 0 without a rate. `of`: fields of the campaign, `spacing_ms` among them.
local function spacing_of(of, n) return tonumber(of.spacing_ms or '0') * n end

-- When a batch of the campaign may be claimed (unix ms), if its rate forbids it now; nil if it may.
local function paced_until(campaign, of, now)
  local at = of.spacing_ms and tonumber(redis.call('HGET', campaign, 'next_ms') or '0') or 0
  if at > now then return at end
end

-- A batch of `n` recipients is claimed.
local function pace(campaign, of, n, now)
  local spacing = spacing_of(of, n)
  if spacing > 0 then redis.call('HSET', campaign, 'next_ms', string.format('%.0f', math.ceil(now + spacing))) end
end

-- When a batch of `n` recipients that came back is due again (unix ms), if its campaign may claim one at `at`.
-- Many may come back at once: each gets a moment of its own, or every turn would look at all of them to send one.
local function moment_of_its_own(campaign, of, n, at, now)
  local spacing = spacing_of(of, n)
  -- The batch before it went out a little late.
  if at - now < spacing / 2 then return at end
  local own = math.max(at, tonumber(redis.call('HGET', campaign, 'slot_ms') or '0'))
  redis.call('HSET', campaign, 'slot_ms', string.format('%.0f', math.ceil(own + spacing)))
  return own
end
