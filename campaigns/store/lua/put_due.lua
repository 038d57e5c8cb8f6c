-- Makes entries due, each at its time, whenever they were due before.
-- KEYS: two for each entry: 1 due set, 2 accounts of its queue (the due set again if it belongs to no account)
-- ARGV: 1 now (unused), then for each entry: entry, account, when (unix ms), 'NX' to leave what stands there already, or ''
-- Returns: number of entries that stood nowhere before.
-- @include due
local added = 0
for i = 1, #KEYS, 2 do
  local at = 2 + (i - 1) / 2 * 4
  local entry, account, when = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local there = redis.call('ZSCORE', KEYS[i], entry)
  if not there then added = added + 1 end
  if not (there and ARGV[at + 3] == 'NX') then
    schedule(KEYS[i], KEYS[i + 1] ~= KEYS[i] and KEYS[i + 1] or nil, account, entry, when)
  end
end
return added
