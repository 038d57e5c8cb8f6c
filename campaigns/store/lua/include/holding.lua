-- The member that holds an entry of a stream for a group, and how often the entry was delivered; nothing if none does.
local function holder(stream, group, position)
  local pending = redis.call('XPENDING', stream, group, position, position, 1)[1]
  if pending then return pending[2], pending[4] end
end
