-- Whether the server still holds all that was written. A promoted replica lacks what its primary wrote last, a restored
-- backup lacks more: what was claimed in between was sent, and stands there as if it never was. A server has another
-- replication id from each start and each promotion on; the store keeps the last one that was seen, and which claim, by
-- number, was the last. Workers report the last claim that they know of: a claim that the store does not know is lost.
-- `primary` is a hash: `replid`, `epoch` (number of changes so far), `claims` (number of the last claim), `seen_ms`
-- (when a worker last checked); of the last change `how`, `changed_ms`, `since_ms` (the `seen_ms` before it),
-- `at_change` (last claim that the server knew then), `until_ms` (end of the time in which workers report what they
-- know), `doubt` (the epoch before which what could be sent may have been) and `why`.
-- @include event

-- For this time after a change nothing is sent, so that every worker can report first what it knows: beat and turns
-- check every second.
local ASKING_MS = 3000
-- A server that comes back after more than this, while workers stayed alive, is taken for a restored backup.
local ABSENCE_MS = 900000
-- A replica that has been silent for more seconds than this does not count.
local SILENT_S = 10
-- After this time it is written again that the server was checked. A change counts from the last time.
local SEEN_AGAIN_MS = 500
-- The last claim there could ever be.
local MOST = 9007199254740991

-- What stands behind a name in the server's INFO; nil if the name does not occur. A plain search, for it is made with
-- every claim: a pattern that may begin anywhere costs ten times as much.
local function fact(info, name)
  local _, last = string.find(info, name, 1, true)
  return last and string.match(info, '^%x+', last + 1)
end

-- Replication id, whether the server continues the writes of another one, and the number of replicas online; nothing if
-- the server does not answer, for example because of its ACL. A server that read its append-only file continues none.
local function replication()
  local info = redis.pcall('INFO', 'replication')
  if type(info) ~= 'string' then return nil end
  local online = tonumber(fact(info, 'connected_slaves:') or '0')
  if online > 0 and string.find(info, 'slave0:', 1, true) then
    online = 0
    for line in string.gmatch(info, '\nslave%d+:([^\r\n]*)') do
      local lag = tonumber(string.match(line, 'lag=(%d+)') or '0')
      if string.find(line, 'state=online', 1, true) and lag <= SILENT_S then online = online + 1 end
    end
  end
  return fact(info, 'master_replid:'), string.find(fact(info, 'master_replid2:') or '', '[^0]') ~= nil, online
end

-- Reports a change, and whether batches are in doubt because of it.
local function say_change(primary, events, how, epoch, doubt, why, now)
  emit(events, primary, 'store', 'store.changed', 'store', '{"how":"' .. how .. '","epoch":' .. epoch .. ',"doubt":' ..
    tostring(doubt) .. ',"reason":' .. cjson.encode(why) .. '}', now)
end

-- Whether workers were alive when the store was last checked.
local function left_at_work(workers, seen)
  local last = redis.call('ZRANGE', workers, -1, -1, 'WITHSCORES')
  return last[2] ~= nil and tonumber(last[2]) > seen - 60000
end

-- Why writes that the server lacks may have been sent, if the server itself shows it; nil if workers must report it.
local function loss_shown(how, replicas, absence, at_work)
  if how == 'promoted' and replicas == 0 then
    return 'a replica took the place of its primary, and nothing waited for replicas: its last writes may be lost'
  end
  if absence > ABSENCE_MS and at_work then
    return 'the store stopped amid work and came back ' .. math.floor(absence / 60000) ..
      ' minutes later: it may be a backup'
  end
end

-- Notices a change and what is known to be lost by it. `epoch` and `claims`: what the caller knew last (0 and 0:
-- nothing); `replicas`: how many must have a claim before it counts.
-- Emits: store.changed.
-- Returns {epoch, claims, doubt (epoch or 0), changed_ms, since_ms, wait (ms in which nothing may be claimed), online}
local function notice_change(primary, workers, events, epoch, claims, replicas, now)
  local id, goes_on, online = replication()
  local known = redis.call('HMGET', primary, 'replid', 'epoch', 'claims', 'doubt', 'until_ms', 'changed_ms', 'since_ms',
    'at_change', 'seen_ms', 'how')
  local function number(n) return tonumber(known[n] or '0') end
  local p = {epoch = number(2), claims = number(3), doubt = number(4), changed = number(6), since = number(7), wait = 0,
    online = online}
  local at_change, how, why = number(8), known[10], nil
  local seen = known[9] and tonumber(known[9]) or now

  if not known[1] and epoch + claims > 0 then
    -- Nothing is left of what this worker knew, so nothing of it can be sent again.
    p.epoch, at_change = epoch + 1, MOST
    redis.call('HSET', primary, 'epoch', p.epoch, 'at_change', string.format('%.0f', MOST))
  end
  -- A worker that knows of a later change, or of a later claim since the same one, has spoken with another server.
  local back = known[1] and (epoch > p.epoch or (epoch == p.epoch and claims > p.claims))
  local other = id and known[1] and known[1] ~= id
  if other or back then
    how = other and (goes_on and 'promoted' or 'started') or 'went back'
    if back then why = 'a worker knows of what happened later than all that the store knows' end
    p.epoch = math.max(p.epoch, epoch) + 1
    p.changed, p.since, at_change = now, seen, p.claims
    why = why or loss_shown(how, replicas, now - seen, left_at_work(workers, seen))
    known[5] = string.format('%.0f', now + ASKING_MS)
    redis.call('HSET', primary, 'epoch', p.epoch, 'how', how, 'changed_ms', now, 'since_ms', seen, 'at_change',
      at_change, 'until_ms', known[5])
  end
  if not why and p.doubt < p.epoch and epoch < p.epoch and claims > at_change then
    why = 'a worker knows of claim ' .. claims .. ', the store knew of ' .. at_change .. ' at its last change'
  end
  if why then
    p.doubt = p.epoch
    redis.call('HSET', primary, 'doubt', p.doubt, 'why', why)
    redis.call('HDEL', primary, 'until_ms')
    say_change(primary, events, how, p.epoch, true, why, now)
  elseif known[5] and p.doubt < p.epoch then
    local left = tonumber(known[5]) - now
    if left > 0 and left <= ASKING_MS then p.wait = left
    else
      redis.call('HDEL', primary, 'until_ms')
      say_change(primary, events, how or 'started', p.epoch, false, 'no worker knows of a claim that the store lacks',
        now)
    end
  end
  if id and known[1] ~= id then redis.call('HSET', primary, 'replid', id) end
  if not known[9] or math.abs(now - seen) >= SEEN_AGAIN_MS then redis.call('HSET', primary, 'seen_ms', now) end
  if online and online < replicas then p.wait = math.max(p.wait, 1000) end
  return p
end
