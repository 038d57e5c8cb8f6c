-- What a batch that changes its state changes in the counters of its campaign and account.
-- @include head, counters, waiting

-- States in which a batch waits for evidence or for a person. Metrics show the longest wait.
local WAITING = {unknown = true, held = true}

-- Counts a batch of `n` recipients that moves from one state to another.
local function count_move(campaign, batch_id, n, from, to, now)
  local left = redis.call('HINCRBY', campaign, 'b:' .. from, -1)
  redis.call('HINCRBY', campaign, 'r:' .. from, 0 - n) -- not -n: Lua writes minus zero as -0
  local there = redis.call('HINCRBY', campaign, 'b:' .. to, 1)
  redis.call('HINCRBY', campaign, 'r:' .. to, n)
  local account = tally_move(campaign, 1, n, from, to)
  local waiting = METRICS .. ':' .. account .. ':'
  if WAITING[from] then redis.call('ZREM', waiting .. from, batch_id) end
  if WAITING[to] then redis.call('ZADD', waiting .. to, now, batch_id) end
  if (from == 'planned' and left == 0) or (to == 'planned' and there == 1) then
    note_planned(account, campaign, string.match(batch_id, '^(.*)-%d+$'), now)
  end
end
