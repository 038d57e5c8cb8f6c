-- Moving a batch to another state: its fields, counters, what is due and the events, in one step.
-- @include counters, event, held_hashes, batch_counters, finish_campaign, acts, doubts, due, miscounted, budget

-- Whether a move shows that nothing was sent: absence is proven, unless a person decides to send again or not at all.
local function shows_unsent(from, to, act)
  if to ~= 'planned' and to ~= 'rejected' and to ~= 'cancelled' then return false end
  return from == 'sending' or from == 'accepted' or (from == 'unknown' and act == '')
end

-- Whether a move shows that a batch was sent of which nothing counted as sent any more.
local function shows_sent(from, to)
  return (to == 'unknown' or to == 'accepted') and (from == 'planned' or from == 'cancelled' or from == 'rejected')
end

-- Whether a batch has the fields of `wanted` (a JSON object, or '').
local function has_fields(batch, wanted)
  for name, value in pairs(wanted == '' and {} or cjson.decode(wanted)) do
    if hget(batch, name) ~= value then return false end
  end
  return true
end

-- Past the horizon some are only delivered: they become final as they are.
local function make_final(k, recipients, final)
  local open = tonumber(recipients) - tonumber(final or '0')
  if open ~= 0 then
    hset(k.batch, 'final', recipients)
    hincrby(k.campaign, 'final', open)
  end
  -- Only senders and pollers need these.
  hdel(k.batch, 'lease_until_ms', 'digest')
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

-- Counts how long it took from the beginning of a campaign, or from the time of a batch, until now.
local function observe_acceptance(campaign, not_before_ms, bounds, now)
  local of = hmget(campaign, 'created_ms', 'account', 'kind')
  -- What is scheduled begins at its time.
  local begin = math.max(tonumber(of[1] or now), tonumber(not_before_ms or '0'))
  observe(of[2] or '', 'accepted_s|' .. (of[3] or ''), bounds, math.max(0, now - begin))
end

-- Changes what is due: each row makes its entry due, or removes it.
local function change_due(rows)
  for _, row in ipairs(rows) do
    if row.at then schedule(row.due, row.accounts, row.account, row.entry, row.at)
    else redis.call('ZREM', row.due, row.entry) end
  end
end

-- A campaign that is over goes on as a batch of it moves.
local function reopen(k, campaign_id, now)
  local state = hget(k.campaign, 'state')
  if state ~= 'finished' and state ~= 'cancelled' then return end
  hset(k.campaign, 'state', 'ready')
  emit(k.events, k.campaign, campaign_id, 'campaign.reopened', campaign_id, '{"from":"' .. state .. '"}', now)
end

-- Moves a batch, if it is in one of the states allowed and has what is asked for. The counters must be held meanwhile.
-- `k` names batch, campaign, events, active, body, audit, money (of its account) and due_control.
-- `m`: `id`, `campaign_id`, `op` (random, names the call), `leaves` (states as ',a,b,'), `fence` ('' any), `only_if`
-- (JSON object or ''), `to`, `fields` (field, value, ...), `due` (rows of due set, accounts of its queue or nil,
-- account, entry, and the moment in ms or nil to remove it), `data` of the event (JSON object), `body_life` (ms, 0 to
-- leave it), `act` of a person (JSON object or ''), `bounds` of the time until it was accepted or '', `settles`:
-- whether nothing more is asked about it, so that it is settled in the same step, `put_off`: whether the caller makes
-- the campaign active and changes what is due, once it is moved.
-- Emits: batch.accepted, batch.cancelled, batch.held, batch.planned, batch.rejected, batch.settled, batch.unknown,
--   batch.written_off, campaign.cancelled, campaign.finished, campaign.reopened, campaign.unbalanced.
-- Returns true if it is moved, and whether by an earlier call; else false and its state.
local function move_batch(k, m, now)
  local batch = hmget(k.batch, 'state', 'fence', 'n', 'op', 'attempt', 'not_before_ms', 'final', 'cap')
  local from, to, n = batch[1], m.to, tonumber(batch[3] or '0')
  if from and batch[4] == m.op then return true, true end
  if not from or not string.find(m.leaves, ',' .. from .. ',', 1, true)
    or (m.fence ~= '' and batch[2] ~= m.fence) or not has_fields(k.batch, m.only_if) then
    return false, from or ''
  end

  local function say(before, state, data)
    emit(k.events, k.campaign, m.campaign_id, 'batch.' .. state, m.id, merged('"from":"' .. before ..
      '","attempt":' .. (batch[5] or '0') .. ',"recipients":' .. n, data), now)
  end

  if m.body_life > 0 then redis.call('PEXPIRE', k.body, m.body_life) end
  hset(k.batch, 'state', to, 'since_ms', now, 'op', m.op, unpack(m.fields))
  if not m.put_off then
    change_due(m.due)
    redis.call('SADD', k.active, m.campaign_id)
  end
  if shows_unsent(from, to, m.act) then give_back(k.money, k.batch) end
  if shows_sent(from, to) then take_again(k.money, k.batch) end
  if batch[8] then put_count_right(k.due_control, k.batch, m.id, to, now) end
  if to == 'unknown' or from == 'unknown' or from == 'held' then
    local data = cjson.decode(m.data)
    note_doubt(k.batch, to, data.reason or data.why or '', data.by or '', now)
  end
  if to == 'settled' then make_final(k, n, batch[7]) end
  count_move(k.campaign, m.id, n, from, to, now)
  if m.bounds ~= '' then observe_acceptance(k.campaign, batch[6], m.bounds, now) end
  say(from, to, m.data)
  note_act(k.audit, m.act, n, now)
  reopen(k, m.campaign_id, now)
  if m.settles then
    hset(k.batch, 'state', 'settled')
    make_final(k, n, batch[7])
    count_move(k.campaign, m.id, n, to, 'settled', now)
    say(to, 'settled', '{}')
  end
  finish_if_over(k.campaign, k.events, m.campaign_id, now)
  return true, false
end
