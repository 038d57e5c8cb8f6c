-- Records the gateway's ids of a batch's mailings, so that messages can be found by them and
-- the listing can be trusted.
-- KEYS: 1 batch, 2 known ids of the account, 3.. message keys
-- ARGV: 1 now (ms or 0), 2 ids of the mailings (JSON object: mailing → id), 3 life of the message keys and of the known
--       ids (ms),
--       4 fence of the attempt whose answer held them, 5.. for each message key: its value, the message id
-- Returns: 1; 0 and nothing written if the batch was claimed anew since.
-- @include head, clock, message_ids
local batch_key, known_ids, message_keys = KEYS[1], KEYS[2], keys_from(3)
local now, messages = clock(ARGV[1]), {}
for i, key in ipairs(message_keys) do messages[i] = {key, ARGV[3 + i * 2], ARGV[4 + i * 2]} end
return record_message_ids(batch_key, known_ids, ARGV[4], ARGV[2], messages, ARGV[3], now) and 1 or 0
