-- What is due of an account in one queue, and when the account can act there next.
-- An entry is `<verb>|<batch id>`, `campaign|<campaign id>` for a campaign that takes its place in the order, or
-- `at|<batch or campaign id>` for what is scheduled: that moment is the calendar's, and no clock's correction moves it.

-- An entry is due at `at` (unix ms), whenever it was due before. Without `accounts` the set belongs to no account.
local function schedule(due, accounts, account, entry, at)
  redis.call('ZADD', due, at, entry)
  if accounts then redis.call('ZADD', accounts, 'LT', at, account) end
end

-- Carries out changes that stand in KEYS[key] on (two names each: the due set, and the accounts of its queue or
-- the due set again if it belongs to none) and in ARGV[arg] on (three each: entry, delay in ms or '' to remove it,
-- account).
local function reschedule(key, arg, now)
  while KEYS[key] do
    if ARGV[arg + 1] == '' then redis.call('ZREM', KEYS[key], ARGV[arg])
    else
      local accounts = KEYS[key + 1] ~= KEYS[key] and KEYS[key + 1] or nil
      schedule(KEYS[key], accounts, ARGV[arg + 2], ARGV[arg], now + tonumber(ARGV[arg + 1]))
    end
    key, arg = key + 2, arg + 3
  end
end
