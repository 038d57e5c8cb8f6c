-- Records that the gateway accepted messages of an account, several in one call: their ids, the moves of their batches,
-- and their permits. Each is recorded as a whole, and independently of the others. Bases are names to which an id is
-- appended.
-- KEYS: 1 events, 2 active, 3 audit, 4 money of the account, 5 due set of control, 6 account, 7 base of its permits'
--       names, 8 known ids of the account, bases: 9 batches, 10 campaigns, 11 bodies, 12 messages of the account;
--       13.. for each kind of work: due set, accounts of its queue (the due set again if it belongs to no account)
-- ARGV: 1 now (ms or 0), 2 account, 3 states that may be left, as ',a,b,', 4 life of a body from now on (ms), 5 bounds
--       of the time until it was accepted (see include/moving), 6 life of the ids (ms), 7 window (us), 8..10 limits
--       (see include/outcomes), 11 the kinds of work, in the order of their keys (JSON list), 12.. for each message a
--       JSON object: `op` (random, names its record), `batch`, `campaign`, `fence` (also of its permit), `fields`
--       (field, value, ...), `data` of the event (JSON object), `delays` of each kind of work (ms, or -1 to remove it),
--       `ids` (see include/message_ids), `messages` (value, id, ...), `settles`, `clock` of the gateway (ms) or '', and
--       `raises` (field, number, ...) of what was done under the permit, which count once, and only if the permit had
--       not ended by itself
-- Emits: account.paused, account.resumed, batch.accepted, batch.settled, campaign.cancelled, campaign.finished,
--   campaign.reopened, campaign.unbalanced.
-- Moves: batch sending, unknown, held, planned, cancelled, written_off → accepted; batch accepted → settled;
--   campaign finished, cancelled → ready; campaign ready, paused → finished; campaign cancelling → cancelled.
-- Returns: for each message {1, now} or {0, now, state}, as move_batch does, or the error by which its record failed.
-- @include head, clock, counters, due, held_hashes, outcomes, permits, moving, message_ids, releasing
local events, active, audit, money, due_control = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local account_key, permits_base, known_ids, batch_base, campaign_base = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local body_base, message_base, due_keys = KEYS[11], KEYS[12], keys_from(13)
local now_us, now, account = clock_us(ARGV[1]), clock(ARGV[1]), ARGV[2]
local limits, verbs = breaker_limits(8), cjson.decode(ARGV[11])
local permits = permit_keys(account, account_key, permits_base)

local function keys_of(message)
  return {batch = batch_base .. message.batch, campaign = campaign_base .. message.campaign, events = events,
    active = active, body = body_base .. message.batch, audit = audit, money = money, due_control = due_control}
end

-- What all messages of this call write together at its end, in a few commands and not some for each: ids that become
-- known, campaigns that are active, by due set what is due no more and what becomes due, and permits.
local new_ids, campaigns, gone, becomes_due, released = {}, {}, {}, {}, {}
local accounts_of = {}
for i = 1, #due_keys, 2 do
  gone[due_keys[i]], becomes_due[due_keys[i]] = {}, {}
  if due_keys[i + 1] ~= due_keys[i] then accounts_of[due_keys[i]] = due_keys[i + 1] end
end

local function put_off_due(message)
  for i, verb in ipairs(verbs) do
    local key, delay, entry = due_keys[2 * i - 1], message.delays[i], verb .. '|' .. message.batch
    if delay >= 0 then
      local list = becomes_due[key]
      local last = #list
      list[last + 1], list[last + 2] = now + delay, entry
    else
      gone[key][#gone[key] + 1] = entry
    end
  end
end

local function rows_of(message)
  local rows = {}
  for i = 1, #message.messages, 2 do
    rows[#rows + 1] = {message_base .. message.messages[i + 1], message.messages[i], message.messages[i + 1]}
  end
  return rows
end

-- First the gateway's ids, since the new state makes others ask by them.
local function record(message, k)
  hold_hash(k.batch)
  hold_hash(k.campaign)
  local rows = rows_of(message)
  local ids = #rows > 0 and write_message_ids(k.batch, message.fence, message.ids, rows, ARGV[6]) or {}
  local moved, detail = move_batch(k, {op = message.op, id = message.batch, campaign_id = message.campaign,
    leaves = ARGV[3], fence = message.fence, to = 'accepted', data = message.data, body_life = tonumber(ARGV[4]),
    act = '', bounds = ARGV[5], only_if = '', settles = message.settles, fields = message.fields, put_off = true}, now)
  write_hash(k.batch)
  write_hash(k.campaign)
  for _, id in ipairs(ids) do new_ids[#new_ids + 1] = id end
  released[#released + 1] = message
  if not moved then return {0, now, detail} end
  if not detail then
    campaigns[#campaigns + 1] = message.campaign
    put_off_due(message)
  end
  return {1, now}
end

-- What the server refuses of one message must not keep the others from being recorded.
local function answer_to(message)
  local k = keys_of(message)
  local done, answer = pcall(record, message, k)
  if done then return answer end
  forget_hash(k.batch)
  forget_hash(k.campaign)
  return type(answer) == 'table' and answer or {err = answer}
end

local function end_permits()
  local fences = {}
  for i, message in ipairs(released) do fences[i] = message.fence end
  local held = release_permits(permits, fences, tonumber(ARGV[7]), now_us)
  for _, message in ipairs(released) do
    if held[message.fence] then
      note_gateway_clock(account_key, message.clock, now_us)
      for i = 1, #message.raises, 2 do tally(account, message.raises[i], message.raises[i + 1]) end
    end
    take_outcome(account_key, events, account, limits, message.fence, held[message.fence], 'ok', '', '{}', now)
  end
end

local answers = {}
hold_tallies()
hold_hash(account_key)
for i = 12, #ARGV do answers[#answers + 1] = answer_to(cjson.decode(ARGV[i])) end
if #campaigns > 0 then redis.call('SADD', active, unpack(campaigns)) end
if #new_ids > 0 then know_ids(known_ids, new_ids, ARGV[6], now) end
for key, entries in pairs(gone) do
  if #entries > 0 then redis.call('ZREM', key, unpack(entries)) end
end
for key, due_at in pairs(becomes_due) do
  if #due_at > 0 then schedule_all(key, accounts_of[key], account, due_at) end
end
if #released > 0 then end_permits() end
write_hash(account_key)
write_tallies()
return answers
