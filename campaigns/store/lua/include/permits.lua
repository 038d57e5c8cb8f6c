-- Permits of one account. A slot stays taken until one window after its request has ended, so that no window at
-- the gateway can hold more arrivals than the limit, however long requests travel. Quick messages have a fast
-- lane: while the account sent one within the last minute, a part of the limit is left to them, and they need
-- not keep the distance at which all other requests follow each other. After a run of failures one paid request at
-- a time tries whether the gateway answers again (include/outcomes pauses and ends the pause).
-- @include counters

-- The keys of one account's permits: `account` is its hash, `base` stands before the names of its sets.
local function permit_keys(name, account, base)
  return {name = name, account = account, slots = base .. ':slots', busy = base .. ':busy',
    read_slots = base .. ':read-slots', read_busy = base .. ':read-busy', fast_slots = base .. ':fast-slots'}
end

-- Seven arguments from ARGV[at] on: requests per window (0: no limit), window (us), concurrency, reads among the
-- slots, reads among the busy, life of a permit (us), slots of the fast lane.
local function permit_limits(at)
  local function number(n) return tonumber(ARGV[at + n]) end
  return {requests = number(0), window = number(1), concurrency = number(2), read_slots = number(3),
    read_busy = number(4), life = number(5), fast = number(6)}
end

-- Takes a permit `id` for a 'read', 'quick' or 'paid' request at `now` (us).
-- Returns 0 if it was granted, now or by a repeated call; else the wait in us, and why: 'paused', 'busy' or 'rate'.
local function take_permit(keys, limits, id, kind, now)
  local read, quick = kind == 'read', kind == 'quick'
  local window, concurrency = limits.window, limits.concurrency
  if redis.call('ZSCORE', keys.busy, id) then return 0 end
  local account = redis.call('HMGET', keys.account, 'all_until_ms', 'next_us', 'paid_until_ms', 'quick_us',
    'open_until_ms', 'probe_until_us')
  local paused_until = tonumber(account[1] or '0') * 1000
  if not read then
    paused_until = math.max(paused_until, tonumber(account[3] or '0') * 1000, tonumber(account[5] or '0') * 1000)
  end
  if paused_until > now then return paused_until - now, 'paused' end
  local trying = account[5] and not read
  if trying then
    -- How long the other's try takes is not known. If its worker died, the try ends with its permit.
    local left = tonumber(account[6] or '0') - now
    if left > 0 and left <= limits.life then return math.min(left, 1000000), 'paused' end
  end
  local now_text = string.format('%.0f', now)
  if quick and account[4] ~= now_text then redis.call('HSET', keys.account, 'quick_us', now_text) end
  local fast_lane = quick or now - tonumber(account[4] or '0') < 60000000

  local function taken(key)
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    return redis.call('ZCARD', key)
  end

  local function first_ends(key)
    local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
    return first[2] and math.max(1, tonumber(first[2]) - now) or 0
  end

  local function take(key, more)
    redis.call('ZADD', key, now + limits.life, id)
    -- The server drops keys by a clock that may be set: two days more, so that a permit that is held stays.
    redis.call('PEXPIRE', key, math.ceil((limits.life + more) / 1000) + 172800000)
  end

  -- How long another's request takes is not known: ask again soon, but no later than its permit ends.
  local most = (fast_lane and not quick and concurrency > 1) and concurrency - 1 or concurrency
  local busy = taken(keys.busy) >= most and first_ends(keys.busy) or 0
  if busy == 0 and read and taken(keys.read_busy) >= limits.read_busy then busy = first_ends(keys.read_busy) end
  if busy > 0 then return math.min(busy, 20000), 'busy' end
  if limits.requests > 0 then
    local reserved, slots, fast = limits.fast, taken(keys.slots), taken(keys.fast_slots)
    if not fast_lane then reserved = 0 end
    local spacing = tonumber(account[2] or '0') - now
    -- A clock that was set back must not stop the account.
    if spacing > window then spacing = 0 end
    local wait = math.max(spacing, 0)
    if slots >= limits.requests or slots - fast >= limits.requests - reserved then
      wait = math.max(wait, first_ends(keys.slots))
    end
    if read and taken(keys.read_slots) >= limits.read_slots then wait = math.max(wait, first_ends(keys.read_slots)) end
    local overtakes = quick and wait > 0 and slots < limits.requests and fast < reserved
    if wait > 0 and not overtakes then return math.min(wait, math.max(window, 20000)), 'rate' end
    redis.call('HSET', keys.account, 'next_us',
      string.format('%.0f', now + math.max(spacing, 0) + window / limits.requests))
    take(keys.slots, window)
    if read then take(keys.read_slots, window) end
    if overtakes then take(keys.fast_slots, window) end
  end
  take(keys.busy, 0)
  if read then take(keys.read_busy, 0) end
  if trying then
    redis.call('HSET', keys.account, 'probe', id, 'probe_until_us', string.format('%.0f', now + limits.life))
  end
  tally(keys.name, 'permit|' .. kind .. '|granted', 1)
  return 0
end
