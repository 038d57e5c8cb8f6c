-- Changes what an account may spend today. It counts for all workers until the day ends, whatever their settings say.
-- KEYS: 1 account, 2 money of the account, 3 events, 4 audit, 5.. accounts of each queue
-- ARGV: 1 now (ms or 0), 2 account, 3 budgets (see include/budget), 4 the budget that the caller knows of and 5 the new
--       one (millionths), 6 data of the event (JSON object), 7 act of a person (JSON object), 8 random text that names
--       this call, 9 '1' if a second person confirms it or '', 10 by how much (millionths) a budget must be higher to
--       need one or ''
-- Emits: account.budget_changed, account.resumed.
-- Returns: {1, budget, used (millionths)} changed, now or by a repeated call; {0, budget, used} another than the caller
--   knows of was set meanwhile; {2, budget, used} it needs a second person: it is so much higher than this budget,
--   which the settings give or a second person confirmed, unless it was lowered since.
-- @include head, clock, event, acts, budget, budget_pauses
local account_key, money, events, audit, queues = KEYS[1], KEYS[2], KEYS[3], KEYS[4], keys_from(5)
local now, account, budgets, new = clock(ARGV[1]), ARGV[2], budgets_of(ARGV[3]), tonumber(ARGV[5])
local usual = budget_of(budgets, account)
local day, ends = day_at(budgets, now)
begin_day(money, day)
local function number(micro) return string.format('%.0f', micro) end
local known = redis.call('HMGET', money, 'used:' .. day, 'budget:' .. day, 'budget_call', 'confirmed:' .. day)
local used, before = tonumber(known[1]), tonumber(known[2] or usual)
if known[3] == ARGV[8] then return {1, number(before), number(used)} end
if before ~= tonumber(ARGV[4]) then return {0, number(before), number(used)} end
-- Many small steps of one person are no less than a large one.
local agreed = math.max(usual, tonumber(known[4] or '0'))
if new > before and ARGV[9] == '' and ARGV[10] ~= '' and new - agreed >= tonumber(ARGV[10]) then
  return {2, number(agreed), number(used)}
end
if ARGV[9] ~= '' then
  redis.call('HSET', money, 'confirmed:' .. day, number(math.max(new, agreed)))
elseif known[4] and new < tonumber(known[4]) and new < before then
  -- A higher one that was confirmed before counts no longer.
  redis.call('HSET', money, 'confirmed:' .. day, number(new))
end
redis.call('HSET', money, 'budget:' .. day, number(new), 'budget_call', ARGV[8])
emit(events, account_key, 'accounts/' .. account, 'account.budget_changed', account, merged('"budget":"' ..
  amount(new) .. '","was":"' .. amount(before) .. '","setting":"' .. amount(usual) .. '","used":"' .. amount(used) ..
  '","until_ms":' .. number(ends), ARGV[6]), now)
note_act(audit, ARGV[7], '', now)
resume_for_budget({account = account_key, events = events, name = account}, new - used, now)
-- Workers take what waited at once: it may fit now.
for _, accounts in ipairs(queues) do redis.call('ZADD', accounts, 'XX', 'LT', now, account) end
return {1, number(new), number(used)}
