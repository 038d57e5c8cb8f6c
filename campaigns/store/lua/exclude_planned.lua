-- Records that the recipients of a planned batch were checked, and removes those who opted out, could not be reached or
-- have had enough messages. No recipient is excluded twice: each rewrite of the body moves the version that it was
-- checked against or `reach_ms`, or ends a count, and only one call can do so.
-- KEYS: 1 batch, 2 campaign, 3 events, 4 body, 5 list of excluded recipients, 6 due set in which it is sent,
--       7.. lookalikes: of its mailings as they were, then of those that are left
-- ARGV: 1 now (ms or 0), 2 batch id, 3 campaign id, 4 version of the opt-outs it was checked against before, 5 version
--       now, 6 '1' if the body changes, 7 new body (zlib), 8 recipients left, 9 mailings left (JSON), 10 number of
--       mailings as they were, 11 life of the lookalikes (ms), 12 op that counted its messages for the frequency cap,
--       or '', 13 what is counted of them (see `Keys.batch`, field `counted`), 14 end of the day on which they count
--       (unix ms), 15 `reach_ms` of the batch as it was read, or '', 16.. of each removed recipient: reason, JSON row
-- Emits: batch.cancelled, batch.reduced, campaign.cancelled, campaign.finished, campaign.unbalanced.
-- Moves: batch planned → cancelled; campaign ready, paused → finished; campaign cancelling → cancelled.
-- Returns: 1 recorded; 0 the batch is not planned any more, or another worker has checked it.
-- @include head, clock, counters, event, batch_counters, end_counting, finish_campaign, lookalikes
-- @include suppression_version
local batch_key, campaign_key, events, body_key, excluded, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local lookalikes = keys_from(7)
local now = clock(ARGV[1])
local batch = redis.call('HMGET', batch_key, 'state', 'optouts_v', 'n', 'attempt', 'resent_ms', 'count_op',
  'suppresses', 'reach_ms', 'optouts_scoped_v')
local of = redis.call('HMGET', campaign_key, 'optouts_v', 'optouts_scoped_v')
local seen = version_checked(batch[2] or of[1], batch[9] or of[2])
if batch[1] ~= 'planned' or seen ~= ARGV[4] or (batch[6] or '') ~= ARGV[12] then return 0 end
if (batch[8] or '') ~= ARGV[15] then return 0 end
redis.call('HSET', batch_key, 'optouts_v', ARGV[5], 'optouts_scoped_v', ARGV[5])
if batch[7] then redis.call('HSET', batch_key, 'reach_ms', now) end
local left = tonumber(ARGV[8])
if ARGV[12] ~= '' then
  end_counting(batch_key)
  if ARGV[6] ~= '1' or left > 0 then
    redis.call('HSET', batch_key, 'counted', ARGV[13], 'counted_until_ms', ARGV[14])
  end
end
if ARGV[6] ~= '1' then return 1 end
local gone, by_reason = (#ARGV - 15) / 2, {opted_out = 0, suppressed = 0, capped = 0}
for i = 16, #ARGV, 2 do
  by_reason[ARGV[i]] = by_reason[ARGV[i]] + 1
  redis.call('RPUSH', excluded, ARGV[i + 1])
end
-- Recipients who were erased while the batch was refused have left its body without being counted.
local erased = tonumber(batch[3]) - left - gone
redis.call('HSET', batch_key, 'n', left, 'mailings', ARGV[9])
-- An earlier request in doubt may still turn up, and it held more phones than any from now on.
if batch[5] then redis.call('HSET', batch_key, 'reduced_ms', now) end
local old = tonumber(ARGV[10])
for i, key in ipairs(lookalikes) do
  if i > old then
    remember_lookalike(key, ARGV[2] .. ':' .. (i - 1 - old), now, tonumber(ARGV[11]))
  elseif batch[4] == '0' then
    redis.call('ZREM', key, ARGV[2] .. ':' .. (i - 1))
  end
end
redis.call('HINCRBY', campaign_key, 'r:planned', 0 - gone - erased)
redis.call('HINCRBY', campaign_key, 'r:cancelled', erased)
tally_move(campaign_key, 0, erased, 'planned', 'cancelled')
for _, reason in ipairs({'opted_out', 'suppressed', 'capped'}) do
  if by_reason[reason] > 0 then redis.call('HINCRBY', campaign_key, 'r:' .. reason, by_reason[reason]) end
  tally_move(campaign_key, 0, by_reason[reason], 'planned', reason)
end
emit(events, campaign_key, ARGV[3], 'batch.reduced', ARGV[2], '{"opted_out":' .. by_reason.opted_out ..
  ',"suppressed":' .. by_reason.suppressed .. ',"capped":' .. by_reason.capped ..
  ',"erased":' .. erased .. ',"recipients":' .. left .. '}', now)
if left > 0 then
  redis.call('SET', body_key, ARGV[7], 'KEEPTTL')
  return 1
end
redis.call('DEL', body_key)
redis.call('HSET', batch_key, 'state', 'cancelled', 'since_ms', now)
redis.call('ZREM', due, 'send|' .. ARGV[2])
count_move(campaign_key, ARGV[2], 0, 'planned', 'cancelled', now)
emit(events, campaign_key, ARGV[3], 'batch.cancelled', ARGV[2],
  '{"from":"planned","attempt":' .. batch[4] .. ',"recipients":0}', now)
finish_if_over(campaign_key, events, ARGV[3], now)
return 1
