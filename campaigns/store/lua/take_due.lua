-- Takes what is due of the control queue. Each entry comes due again later by itself, in case its worker dies.
-- A worker's turn at the queue begins, goes on or ends with it.
-- KEYS: 1 due set, 2 bells of the queue, 3 turns, 4 full turns, 5 workers, 6 when something was last taken
-- ARGV: 1 now (ms or 0), 2 queue, 3 turn, 4 number of this call of the turn (from 1), 5 lease of the turn (ms),
--       6 lease of the turn while it can take no more (ms), 7 '0', 8 how long the turn would wait for more (ms),
--       9 ms until an entry is due again, 10 entries to take at most
-- Returns: as take_sends, with the entries themselves.
-- @include clock, taking
local due, bells, turns, full, workers, last_taken = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local k = {bells = bells, turns = turns, full = full, workers = workers, last_taken = last_taken}
local now, most = clock(ARGV[1]), tonumber(ARGV[10])
begin_call(k, now)
local taken = redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, most)
for _, entry in ipairs(taken) do redis.call('ZADD', due, now + tonumber(ARGV[9]), entry) end
return turn_answer(due, k, taken, most, now, 0)
