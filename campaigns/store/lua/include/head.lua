-- The two keys that the client puts before those of every script (see campaigns/store/client.py). Once they are removed
-- here, KEYS holds what the header of the script lists.

-- Hash of the steady clock (see campaigns/times/steady.py): `offset_ms` between the server's clock and the steady one,
-- and `seen_ms`, the server's clock when a process last confirmed the offset by a clock that cannot be set.
local CLOCK = table.remove(KEYS, 1)
-- Set of the accounts that have counters. The names of the hashes that hold them begin with it (see
-- campaigns/store/keys.py).
local METRICS = table.remove(KEYS, 1)

-- The keys from number `first` on. There may be more of them than `unpack` can return.
local function keys_from(first)
  local found = {}
  for i = first, #KEYS do found[#found + 1] = KEYS[i] end
  return found
end
