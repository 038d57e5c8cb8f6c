-- Adding to the opt-outs, of everything or of a narrower scope.

-- Opts a phone out, unless it is already. Returns whether it was not. The caller raises the counter.
-- `k`: names of `everything` (set of the phones that are opted out of everything), `scopes` (set of the narrower scopes
-- that have phones), `notes` (hash of the scope's phones); `scope` is its name, or '' for everything.
local function opt_out(k, scope, phone, now, by, why)
  local note = string.format('%.0f:%s|%s', now, by, why)
  if scope == '' then
    if redis.call('SADD', k.everything, phone) == 0 then return false end
    redis.call('HSET', k.notes, phone, note)
    return true
  end
  if redis.call('HSETNX', k.notes, phone, note) == 0 then return false end
  redis.call('SADD', k.scopes, scope)
  return true
end
