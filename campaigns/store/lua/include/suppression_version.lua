-- The version of the suppression list, `<counter>:<size>`: additions to any scope raise the counter;
-- every other change to the opt-outs of everything changes the size.
local function optouts_version(optouts, counter)
  return (redis.call('GET', counter) or '0') .. ':' .. redis.call('SCARD', optouts)
end

-- The version that a batch was checked against: fields `optouts_v` and `optouts_scoped_v` of it, or else of its
-- campaign. They differ where a process that knows no narrower scopes wrote the first alone. Then this is no version
-- that the list can have, so the batch is checked once more.
local function version_checked(version, scoped)
  version, scoped = version or '', scoped or ''
  return version == scoped and version or version .. '|' .. scoped
end
