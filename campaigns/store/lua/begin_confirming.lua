-- Notes that a list mailing is about to be paid for: only while its batch is the worker's, its campaign may send, and
-- the budget of its account has room for as many recipients as the gateway reported.
-- KEYS: 1 batch, 2 campaign, 3 events, 4 account, 5 money of the account
-- ARGV: 1 now (ms or 0), 2 fence that the batch must have, 3 the mailing's status word before, 4 account,
--       5 budgets (see include/budget), 6 campaign id
-- Emits: account.paused, account.resumed, campaign.over_budget.
-- Moves: campaign ready → paused.
-- Returns: {1} noted, now or by a repeated call; {0, states of batch and campaign} it must not be paid for;
--   {2, ms until the budget is checked again} the account's budget has no room for it.
-- @include clock, budget, budget_pauses
local batch_key, campaign_key, events, account_key, money = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local now, budgets = clock(ARGV[1]), budgets_of(ARGV[5])
local batch = redis.call('HMGET', batch_key, 'state', 'fence', 'n', 'confirming')
local campaign = redis.call('HGET', campaign_key, 'state') or ''
if batch[1] ~= 'sending' or batch[2] ~= ARGV[2] or campaign ~= 'ready' then return {0, batch[1] or '', campaign} end
if budgets and batch[4] ~= ARGV[2] then
  -- At its claim the number of recipients was not known yet, or the day was another.
  local k = {account = account_key, money = money, events = events, name = ARGV[4]}
  drop_reserved(money, batch_key)
  local n = tonumber(batch[3])
  if pause_over_budget(k, budgets, campaign_key, ARGV[6], n, now) then return {0, batch[1], 'paused'} end
  local short_until = short_of_budget(k, budgets, n, ARGV[6], now)
  if short_until then return {2, short_until - now} end
  reserve(k, budgets, batch_key, n, now)
end
redis.call('HSET', batch_key, 'status_before', ARGV[3], 'confirming_ms', now, 'confirming', ARGV[2])
return {1}
