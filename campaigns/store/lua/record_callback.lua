-- Records that the gateway called back about one attempt, and makes the batch due for a poll or a check soon.
-- KEYS: 1 batch, 2 base of the due sets of polling, to which the account is appended, 3 accounts of polling
-- ARGV: 1 now (ms or 0), 2 batch id, 3 attempt, 4 uuid or '', 5 least time between two polls (ms)
-- Returns: {state of the batch ('' if there is none), why a planned one must not be sent, or ''}
-- @include clock, doubts, due
local batch_key, due_base, accounts = KEYS[1], KEYS[2], KEYS[3]
local now = clock(ARGV[1])
local batch = redis.call('HMGET', batch_key, 'state', 'attempt', 'resent_ms', 'callback_ms', 'account', 'emptied')
if not batch[1] then return {'', ''} end
-- Everybody in it was erased: nothing is asked of it, and its uuid would tell who they were.
if batch[6] then return {batch[1], ''} end
local verb
local open = batch[1] == 'planned' or batch[1] == 'sending' or batch[1] == 'unknown' or batch[1] == 'held'
-- It is for this attempt; or for an earlier one that was taken for lost; or for one whose claim the store has lost.
if batch[2] == ARGV[3] or (open and (batch[3] or tonumber(ARGV[3]) > tonumber(batch[2]))) then
  redis.call('HSET', batch_key, 'callback_ms', now)
  if ARGV[4] ~= '' then redis.call('HSET', batch_key, 'callback_uuid', ARGV[4]) end
  if batch[1] == 'accepted' then verb = 'poll' elseif batch[1] == 'unknown' then verb = 'reconcile' end
elseif batch[3] and (batch[1] == 'accepted' or batch[1] == 'settled') then
  -- An earlier attempt, which was taken for lost: the message may have gone out twice.
  verb = 'reconcile'
end
if verb then
  -- At once the first time, and then no more often than polling itself may.
  local soon = now + ((batch[4] or '') ~= '' and tonumber(ARGV[5]) or 0)
  local entry = verb .. '|' .. ARGV[2]
  local polling = due_base .. batch[5]
  local due = redis.call('ZSCORE', polling, entry)
  if not due or tonumber(due) > soon then schedule(polling, accounts, batch[5], entry, soon) end
end
if batch[1] == 'planned' and tonumber(ARGV[3]) > tonumber(batch[2]) then
  redis.call('HSETNX', batch_key, 'resent_ms', now)
end
if batch[1] ~= 'planned' then return {batch[1], ''} end
local signs = redis.call('HMGET', batch_key, 'resent_ms', 'callback_ms')
return {batch[1], called_back(signs[1], signs[2]) or ''}
