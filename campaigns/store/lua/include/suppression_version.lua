-- The version of the suppression list, `<counter>:<size>`: additions raise the counter, every other change the size.
local function optouts_version(optouts, counter)
  return (redis.call('GET', counter) or '0') .. ':' .. redis.call('SCARD', optouts)
end
