-- What is due of an account in one queue, and when the account can act there next.
-- An entry is `<verb>|<batch id>`, `campaign|<campaign id>` for a campaign that takes its place in the order, or
-- `at|<batch or campaign id>` for what is scheduled: that moment is the calendar's, and no clock's correction moves it.

-- An entry is due at `at` (unix ms), whenever it was due before. Without `accounts` the set belongs to no account.
local function schedule(due, accounts, account, entry, at)
  redis.call('ZADD', due, at, entry)
  if accounts then redis.call('ZADD', accounts, 'LT', at, account) end
end

-- The same for several entries of an account: `due_at` is a list of moment, entry, ...
local function schedule_all(due, accounts, account, due_at)
  local first = due_at[1]
  for i = 3, #due_at, 2 do first = math.min(first, due_at[i]) end
  redis.call('ZADD', due, unpack(due_at))
  if accounts then redis.call('ZADD', accounts, 'LT', first, account) end
end
