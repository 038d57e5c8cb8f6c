-- Moves one batch to another state: state, counters, due times and event in one step.
-- KEYS: 1 batch, 2 campaign, 3 events, 4 active, 5 body, 6 audit, 7 money of its account, 8 due set of control, 9.. for
--       each change of what is due: due set, accounts of its queue (the due set again if it belongs to no account)
-- ARGV: 1 now (ms or 0), 2 op (random, names the call), 3 batch id, 4 campaign id,
--       5 allowed states as ',a,b,', 6 fence that the batch must have ('' any), 7 new state,
--       8 data of the event (JSON object), 9 life of the body from now on (ms, or 0 to leave it),
--       10 act of a person (JSON object) or '', 11 bounds of the time from the beginning to here (see `observe`) or '',
--       12 fields that the batch must have (JSON object) or '', 13 '1' if nothing more is asked about it, so that it is
--       settled in the same step, or '', 14 number of fields F, then F times field, value, then for each change of what
--       is due: entry, delay in ms from now or '' to remove it, account
-- Emits: batch.accepted, batch.cancelled, batch.held, batch.planned, batch.rejected, batch.settled, batch.unknown,
--   batch.written_off, campaign.cancelled, campaign.finished, campaign.reopened, campaign.unbalanced.
-- Moves: batch any → any, as the table in campaigns/ledger/states.py allows; campaign finished, cancelled → ready;
--   campaign ready, paused → finished; campaign cancelling → cancelled.
-- Returns: {1, now} moved, now or by a repeated call; {0, now, state} refused: the batch is elsewhere.
-- @include head, clock, counters, event, batch_counters, finish_campaign, acts, doubts, due, miscounted, budget
local batch_key, campaign_key, events, active, body_key, audit = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local money, due_control, due_keys = KEYS[7], KEYS[8], keys_from(9)
-- Whether a move shows that nothing was sent: absence is proven, unless a person decides to send again or not at all.
local function shows_unsent(from, to)
  if to ~= 'planned' and to ~= 'rejected' and to ~= 'cancelled' then return false end
  return from == 'sending' or from == 'accepted' or (from == 'unknown' and ARGV[10] == '')
end

-- Whether a move shows that a batch was sent of which nothing counted as sent any more.
local function shows_sent(from, to)
  return (to == 'unknown' or to == 'accepted') and (from == 'planned' or from == 'cancelled' or from == 'rejected')
end

local function has(wanted)
  for name, value in pairs(wanted == '' and {} or cjson.decode(wanted)) do
    if redis.call('HGET', batch_key, name) ~= value then return false end
  end
  return true
end

-- Carries out the changes of what is due that stand in ARGV from `arg` on.
local function reschedule(arg, now)
  for i = 1, #due_keys, 2 do
    local due, accounts = due_keys[i], due_keys[i + 1] ~= due_keys[i] and due_keys[i + 1] or nil
    if ARGV[arg + 1] == '' then redis.call('ZREM', due, ARGV[arg])
    else schedule(due, accounts, ARGV[arg + 2], ARGV[arg], now + tonumber(ARGV[arg + 1])) end
    arg = arg + 3
  end
end

-- Counts an observation of `ms` in a histogram of an account. `bounds`: its buckets, each as 'ms=name;'.
local function observe(account, measure, bounds, ms)
  local bucket = '+Inf'
  for bound, name in string.gmatch(bounds, '(%d+)=([^;]+);') do
    if ms <= tonumber(bound) then
      bucket = name
      break
    end
  end
  tally(account, measure .. '|' .. bucket, 1)
  tally(account, measure .. '|sum', ms)
end

local now = clock(ARGV[1])
local batch = redis.call('HMGET', batch_key, 'state', 'fence', 'n', 'op', 'attempt', 'not_before_ms', 'final',
  'cap')
local from = batch[1]
if from and batch[4] == ARGV[2] then return {1, now} end
if not from or not string.find(ARGV[5], ',' .. from .. ',', 1, true)
  or (ARGV[6] ~= '' and batch[2] ~= ARGV[6]) or not has(ARGV[12]) then
  return {0, now, from or ''}
end
hold_tallies()
local to, fields = ARGV[7], tonumber(ARGV[14])

-- Past the horizon some are only delivered: they become final as they are.
local function make_final()
  local open = tonumber(batch[3]) - tonumber(batch[7] or '0')
  if open ~= 0 then
    redis.call('HSET', batch_key, 'final', batch[3])
    redis.call('HINCRBY', campaign_key, 'final', open)
  end
  -- Only senders and pollers need these.
  redis.call('HDEL', batch_key, 'lease_until_ms', 'digest')
end

-- Reports a move of the batch. `before`: the state that it had.
local function say_move(before, state, data)
  emit(events, campaign_key, ARGV[4], 'batch.' .. state, ARGV[3], merged('"from":"' .. before ..
    '","attempt":' .. (batch[5] or '0') .. ',"recipients":' .. batch[3], data), now)
end

if ARGV[9] ~= '0' then redis.call('PEXPIRE', body_key, ARGV[9]) end
redis.call('HSET', batch_key, 'state', to, 'since_ms', now, 'op', ARGV[2], unpack(ARGV, 15, 14 + 2 * fields))
reschedule(15 + 2 * fields, now)
if shows_unsent(from, to) then give_back(money, batch_key) end
if shows_sent(from, to) then take_again(money, batch_key) end
if batch[8] then put_count_right(due_control, batch_key, ARGV[3], to, now) end
if to == 'unknown' or from == 'unknown' or from == 'held' then
  local data = cjson.decode(ARGV[8])
  note_doubt(batch_key, to, data.reason or data.why or '', data.by or '', now)
end
if to == 'settled' then make_final() end
count_move(campaign_key, ARGV[3], tonumber(batch[3]), from, to, now)
if ARGV[11] ~= '' then
  -- What is scheduled begins at its time.
  local campaign = redis.call('HMGET', campaign_key, 'created_ms', 'account', 'kind')
  local begin = math.max(tonumber(campaign[1] or now), tonumber(batch[6] or '0'))
  observe(campaign[2] or '', 'accepted_s|' .. (campaign[3] or ''), ARGV[11], math.max(0, now - begin))
end
say_move(from, to, ARGV[8])
note_act(audit, ARGV[10], batch[3], now)
if redis.call('SISMEMBER', active, ARGV[4]) == 0 then redis.call('SADD', active, ARGV[4]) end
local state = redis.call('HGET', campaign_key, 'state')
if state == 'finished' or state == 'cancelled' then
  redis.call('HSET', campaign_key, 'state', 'ready')
  emit(events, campaign_key, ARGV[4], 'campaign.reopened', ARGV[4], '{"from":"' .. state .. '"}', now)
end
if ARGV[13] == '1' then
  redis.call('HSET', batch_key, 'state', 'settled')
  make_final()
  count_move(campaign_key, ARGV[3], tonumber(batch[3]), to, 'settled', now)
  say_move(to, 'settled', '{}')
end
finish_if_over(campaign_key, events, ARGV[4], now)
write_tallies()
return {1, now}
