-- When the count of a batch that has a frequency cap does not fit its state.
-- @include held_hashes

-- States in which its messages were certainly not sent.
local NOT_SENT = {planned = true, rejected = true, cancelled = true}

-- Makes due what counts the messages of a batch that may have been sent, or takes back the count of one that was not.
local function put_count_right(due_control, batch_key, batch_id, state, now)
  local of = hmget(batch_key, 'counted', 'count_op')
  if (NOT_SENT[state] and (of[1] or of[2])) or (not NOT_SENT[state] and not of[1]) then
    redis.call('ZADD', due_control, now, 'count|' .. batch_id)
  end
end
