-- Giving a permit back, and what the answer to its request showed.
-- @include held_hashes

-- Gives back the permit `id` after its request has ended. `keys`: as `permit_keys` names them. `unused`: no byte was
-- written, so that the slot is free at once; else it stays taken for `window` (us). Returns whether the permit was
-- held, and had not ended by itself.
local function release_permit(keys, id, unused, window, now)
  local held = redis.call('ZREM', keys.busy, id) == 1
  redis.call('ZREM', keys.read_busy, id)
  for _, key in ipairs({keys.slots, keys.read_slots, keys.fast_slots}) do
    if redis.call('ZSCORE', key, id) then
      if unused then redis.call('ZREM', key, id)
      elseif held then redis.call('ZADD', key, now + window, id) end
    end
  end
  return held
end

-- Gives back several permits under which a byte was written. Returns for each, by its id, whether it was held.
local function release_permits(keys, ids, window, now)
  local held, later = {}, {}
  for _, id in ipairs(ids) do
    held[id] = redis.call('ZREM', keys.busy, id) == 1
    if held[id] then
      later[#later + 1] = now + window
      later[#later + 1] = id
    end
  end
  redis.call('ZREM', keys.read_busy, unpack(ids))
  if #later > 0 then
    -- Each stands in some of these sets, and is not to be added to the others.
    for _, key in ipairs({keys.slots, keys.read_slots, keys.fast_slots}) do
      redis.call('ZADD', key, 'XX', unpack(later))
    end
  end
  return held
end

-- By how much the gateway's clock (unix ms, or '') is ahead of the store's (us), and when that was seen.
local function note_gateway_clock(account, gateway_ms, now)
  if gateway_ms == '' then return end
  local now_ms = math.floor(now / 1000)
  hset(account, 'gateway_ahead_ms', string.format('%.0f', tonumber(gateway_ms) - now_ms), 'gateway_seen_ms',
    string.format('%.0f', now_ms))
end
