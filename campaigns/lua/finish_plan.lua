-- The plan is complete: the campaign becomes ready and its batches due, or it becomes a draft. All of it or nothing.
-- KEYS: 1 campaign, 2 events, 3 due set of its queue, 4 accounts of its queue, 5 due set of control,
--       6 primary, 7 workers
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 plan token, 4 digest of the job, 5 account, 6 when its first batch may go out
--       (unix ms; 0 at once), 7 replicas that must have what is written, 8 for how
--       long it is kept back, until they have it (ms), 9 number of batches, 10 number of recipients handed in,
--       11 why it becomes a draft, or ''. A campaign without batches becomes none
-- Emits: campaign.ready or campaign.draft.
-- Returns: 1 ready or a draft (now or by a repeated call), 0 the plan is not ours any more, or something of it is missing.
-- @include due
-- @include primary
local now = clock(ARGV[1])
local plan = redis.call('HMGET', KEYS[1], 'state', 'plan_token', 'batches', 'kind', 'r:total', 'r:planned')
if plan[2] ~= ARGV[3] then return 0 end
if plan[1] ~= 'planning' then return plan[1] == 'abandoned' and 0 or 1 end
if plan[3] ~= ARGV[9] or plan[5] ~= ARGV[10] then return 0 end
local state = ARGV[11] ~= '' and tonumber(plan[3]) > 0 and 'draft' or 'ready'
redis.call('HSET', KEYS[1], 'state', state, 'digest', ARGV[4])
-- What becomes ready after a change cannot have been sent before it.
local primary = notice_change(KEYS[6], KEYS[7], KEYS[2], 0, 0, tonumber(ARGV[7]), now)
if primary.epoch > 0 then redis.call('HSET', KEYS[1], 'epoch', primary.epoch) end
redis.call('HDEL', KEYS[1], 'plan_until_ms', 'taken_out_calls')
redis.call('ZREM', KEYS[5], 'plan|' .. ARGV[2])
if tonumber(ARGV[6]) > now then redis.call('HSET', KEYS[1], 'first_ms', ARGV[6]) end
local first = math.max(tonumber(ARGV[6]), now + tonumber(ARGV[8]))
if state == 'ready' and tonumber(plan[3]) > 0 then
  local verb = tonumber(ARGV[6]) > now and 'at|' or 'campaign|'
  schedule(KEYS[3], KEYS[4], ARGV[5], verb .. ARGV[2], first)
end
tally_move(KEYS[1], tonumber(plan[3]), tonumber(plan[6] or '0'), '', 'planned')
for _, excluded in ipairs(TAKEN_OUT) do
  tally_move(KEYS[1], 0, tonumber(redis.call('HGET', KEYS[1], 'r:' .. excluded) or '0'), '', excluded)
end
note_planned(ARGV[5], KEYS[1], ARGV[2], first)
local data = '{"kind":"' .. plan[4] .. '","total":' .. plan[5] .. ',"planned":' .. (plan[6] or '0') .. ',"batches":' ..
  plan[3]
if state == 'draft' then
  redis.call('HSET', KEYS[1], 'draft_why', ARGV[11])
  local by = redis.call('HGET', KEYS[1], 'by') or ''
  data = data .. ',"by":' .. cjson.encode(by) .. ',"reason":' .. cjson.encode(ARGV[11])
end
emit(KEYS[2], KEYS[1], ARGV[2], 'campaign.' .. state, ARGV[2], data .. '}', now)
conclude(KEYS[1], KEYS[2], ARGV[2], now)
return 1
