-- The version of the suppression list, `<counter>:<size>`: additions to any scope raise the counter;
-- every other change to the opt-outs of everything changes the size.
local function optouts_version(optouts, counter)
  return (redis.call('GET', counter) or '0') .. ':' .. redis.call('SCARD', optouts)
end
