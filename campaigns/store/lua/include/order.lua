-- The order in which the campaigns of one account are sent: a sorted set by virtual time. Each request costs its
-- campaign 1 / weight, so that a small campaign enters at the front and a huge one gets what is left.
-- A campaign stands there as itself while some of its batches were never handed out (its field `cursor` is the next),
-- and a batch that was handed out and came back stands there under its own id.

-- The virtual times that this call knows, by account and queue.
local arrived = {}

-- The account's virtual time: where the order has arrived.
local function virtual_time(account, queue)
  local name = account .. '|' .. queue
  arrived[name] = arrived[name] or tonumber(redis.call('HGET', account, 'vt:' .. queue) or '0')
  return arrived[name]
end

-- The order of an account has arrived at `at`, the score of what is taken off.
local function set_virtual_time(account, queue, at)
  arrived[account .. '|' .. queue] = tonumber(at)
  redis.call('HSET', account, 'vt:' .. queue, at)
end

-- Puts a member of `campaign` into the order, behind what its campaign has had so far. `vt` of a campaign is where what
-- it has had ends: one that is new begins where the order has arrived, before all that others may have next. Nothing
-- happens where there is no such campaign.
local function enter_order(order, account, queue, campaign, member)
  local own = redis.call('HMGET', campaign, 'vt', 'weight', 'state')
  if not own[3] then return end
  local at = math.max(virtual_time(account, queue), tonumber(own[1] or '0'))
  redis.call('HSET', campaign, 'vt', string.format('%.6f', at + 1 / tonumber(own[2] or '1')))
  redis.call('ZADD', order, string.format('%.6f', at), member)
end
