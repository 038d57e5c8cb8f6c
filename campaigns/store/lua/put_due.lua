-- Makes entries due, each at its time.
-- KEYS: 1.. for each entry: due set, accounts of its queue (the due set again if it belongs to no account)
-- ARGV: 1 now (unused), then for each entry: entry, account, when (unix ms), 'NX' to leave what stands there already,
--       'LT' to leave what is due before, or '' where it does not matter when it was due
-- Returns: number of entries that stood nowhere before.
-- @include head, due
local keys = keys_from(1)
local added = 0
for i = 1, #keys, 2 do
  local at = 2 + (i - 1) / 2 * 4
  local entry, account, when = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local due, accounts = keys[i], keys[i + 1] ~= keys[i] and keys[i + 1] or nil
  local there = redis.call('ZSCORE', due, entry)
  if not there then added = added + 1 end
  local kept = there and (ARGV[at + 3] == 'NX' or ARGV[at + 3] == 'LT' and tonumber(there) <= tonumber(when))
  if not kept then
    schedule(due, accounts, account, entry, when)
  end
end
return added
