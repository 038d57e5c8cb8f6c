-- Reads the version of the suppression list, and how many phones are opted out of some scopes.
-- KEYS: 1 opt-outs of everything, 2 counter of opt-outs, 3.. opt-outs of narrower scopes
-- ARGV: 1 now (unused)
-- Returns: {'<counter>:<size>', which changes with every addition; size of the opt-outs of everything; of each narrower
--   scope its size}.
-- @include head, suppression_version
local everything, counter, narrower = KEYS[1], KEYS[2], keys_from(3)
local version = optouts_version(everything, counter)
local answer = {version, tonumber(string.match(version, ':(%d+)$'))}
for i, scope in ipairs(narrower) do answer[i + 2] = redis.call('HLEN', scope) end
return answer
