-- What the outcomes of paid requests mean for their account. A run of failures pauses the account's paid requests. The
-- pause ends by itself: after it one request tries, and the next pause is twice as long if that fails as well. Until
-- then only the outcome of this one counts.
-- @include event, held_hashes

-- Three arguments from ARGV[at] on: failures in a row that pause, first pause (ms), longest pause (ms).
local function breaker_limits(at)
  return {failures = tonumber(ARGV[at]), first = tonumber(ARGV[at + 1]), longest = tonumber(ARGV[at + 2])}
end

-- Takes in the outcome of the request under permit `id`: 'ok', 'failed', 'refused' (a failure, but the gateway
-- answers) or '' (neither). `held`: whether the permit was given back now, and not before. `why`: what
-- failed; `data` (JSON object) joins the event.
-- Emits: account.paused, account.resumed.
-- Returns: failures in a row, ms of the pause that begins now or 0.
local function take_outcome(key, events, name, limits, id, held, outcome, why, data, now)
  local known = hmget(key, 'failures', 'open_until_ms', 'probe', 'trips')
  local failures, open, probe = tonumber(known[1] or '0'), known[2], known[3] == id
  local source = 'accounts/' .. name
  if probe then hdel(key, 'probe', 'probe_until_us') end
  if outcome == 'ok' then hset(key, 'accepted_ms', now) end
  if outcome == '' or (open and not probe) then return failures, 0 end

  if open and outcome ~= 'failed' then
    hdel(key, 'open_until_ms', 'open_reason', 'trips', 'failures')
    emit(events, key, source, 'account.resumed', name, '{"by":"a request that the gateway answered"}', now)
    failures, open = 0, false
  end
  if outcome == 'ok' then
    if failures > 0 then hdel(key, 'failures') end
    return 0, 0
  end
  if not held and not probe then return failures, 0 end
  failures = hincrby(key, 'failures', 1)
  if failures < limits.failures and not open then return failures, 0 end

  local trips = tonumber(known[4] or '0')
  local pause = math.min(limits.longest, limits.first * 2 ^ math.min(trips, 30))
  local reason = failures .. ' failure' .. (failures == 1 and '' or 's') .. ' in a row; the last: ' .. why
  local until_ms = string.format('%.0f', now + pause)
  hset(key, 'open_until_ms', until_ms, 'open_reason', reason, 'trips', trips + 1)
  emit(events, key, source, 'account.paused', name, merged('"reason":' .. cjson.encode(reason) ..
    ',"requests":"paid","until_ms":' .. until_ms, data), now)
  return failures, pause
end
