-- What a batch that changes its state changes in the counters of its campaign and account.
-- @include head, counters, waiting, held_hashes

-- States in which a batch waits for evidence or for a person. Metrics show the longest wait.
local WAITING = {unknown = true, held = true}

-- Counts a batch of `n` recipients that moves from one state to another.
local function count_move(campaign, batch_id, n, from, to, now)
  local of = hmget(campaign, 'account', 'kind', 'b:' .. from, 'r:' .. from, 'b:' .. to, 'r:' .. to)
  local account, left, there = of[1] or '', tonumber(of[3] or '0') - 1, tonumber(of[5] or '0') + 1
  if from ~= to then
    hset(campaign, 'b:' .. from, left, 'r:' .. from, tonumber(of[4] or '0') - n,
      'b:' .. to, there, 'r:' .. to, tonumber(of[6] or '0') + n)
  end
  tally_moved(account, of[2] or '', 1, n, from, to)
  local waiting = METRICS .. ':' .. account .. ':'
  if WAITING[from] then redis.call('ZREM', waiting .. from, batch_id) end
  if WAITING[to] then redis.call('ZADD', waiting .. to, now, batch_id) end
  if (from == 'planned' and left == 0) or (to == 'planned' and there == 1) then
    note_planned(account, campaign, string.match(batch_id, '^(.*)-%d+$'), now)
  end
end
