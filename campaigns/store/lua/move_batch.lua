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
-- @include head, clock, counters, moving
local batch_key, campaign_key, events, active, body_key, audit = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local money, due_control, due_keys = KEYS[7], KEYS[8], keys_from(9)
local now, fields, due = clock(ARGV[1]), {}, {}
local after_fields = 15 + 2 * tonumber(ARGV[14])
for i = 15, after_fields - 1 do fields[#fields + 1] = ARGV[i] end
for i = 1, #due_keys, 2 do
  local at, key = after_fields + (i - 1) / 2 * 3, due_keys[i]
  due[#due + 1] = {due = key, accounts = due_keys[i + 1] ~= key and due_keys[i + 1] or nil, account = ARGV[at + 2],
    entry = ARGV[at], at = ARGV[at + 1] ~= '' and now + tonumber(ARGV[at + 1]) or nil}
end
hold_tallies()
local moved, state = move_batch({batch = batch_key, campaign = campaign_key, events = events, active = active,
  body = body_key, audit = audit, money = money, due_control = due_control},
  {op = ARGV[2], id = ARGV[3], campaign_id = ARGV[4], leaves = ARGV[5], fence = ARGV[6], to = ARGV[7],
    data = ARGV[8], body_life = tonumber(ARGV[9]), act = ARGV[10], bounds = ARGV[11], only_if = ARGV[12],
    settles = ARGV[13] == '1', fields = fields, due = due}, now)
write_tallies()
if moved then return {1, now} end
return {0, now, state}
