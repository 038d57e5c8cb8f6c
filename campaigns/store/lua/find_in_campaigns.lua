-- Searches many campaigns for one phone, as far as no body is needed: most of them are single messages to others.
-- KEYS: 1.. for each campaign: the campaign, its replies, its excluded recipients, its first batch, the deliveries of
--       that batch's first mailing
-- ARGV: 1 now (unused), 2 phone, 3.. counters of a campaign's excluded recipients
-- Returns: for each campaign 0 it has nothing to do with the phone, -1 it must be searched by itself, otherwise the
--          number of recipients of its only batch, whose body alone can show the phone.
-- @include head
local keys = keys_from(1)
local quoted, ending = '"' .. ARGV[2] .. '"', string.sub(ARGV[2], -7)
local fields = {'batches', 'replies'}
for i = 3, #ARGV do fields[#fields + 1] = ARGV[i] end
-- The most replies and the most excluded recipients of one campaign that are looked into here.
local FEW = 20

local function may_have_replied(replies)
  if redis.call('HLEN', replies) > FEW then return true end
  for _, reply in ipairs(redis.call('HVALS', replies)) do
    if string.find(reply, quoted, 1, true) then return true end
  end
  return false
end

-- Phones are spelled there as they were handed in: of every spelling the last digits are the same, unless they are
-- digits of another script.
local function may_be_excluded(excluded)
  if redis.call('LLEN', excluded) > FEW then return true end
  for _, row in ipairs(redis.call('LRANGE', excluded, 0, FEW - 1)) do
    local digits = string.gsub(row, '%D', '')
    if string.find(digits, ending, 1, true) or string.find(row, '[\128-\255]') then return true end
  end
  return false
end

local function in_batch(batch, deliveries)
  local facts = redis.call('HMGET', batch, 'n', 'mailings')
  if not facts[2] or #cjson.decode(facts[2]) ~= 1 then return -1 end
  if redis.call('HEXISTS', deliveries, ARGV[2]) == 1 then return -1 end
  local recipients, stored = tonumber(facts[1] or '0'), redis.call('HLEN', deliveries)
  if stored > 0 and stored >= recipients then return 0 end
  return math.max(recipients, 1)
end

local function in_campaign(campaign, replies, excluded, batch, deliveries)
  local counted, exclusions = redis.call('HMGET', campaign, unpack(fields)), 0
  for i = 3, #counted do exclusions = exclusions + tonumber(counted[i] or '0') end
  local batches = tonumber(counted[1] or '0')
  if batches > 1 or (tonumber(counted[2] or '0') > 0 and may_have_replied(replies)) then return -1 end
  if exclusions > 0 and may_be_excluded(excluded) then return -1 end
  return batches == 0 and 0 or in_batch(batch, deliveries)
end

local found = {}
for i = 1, #keys, 5 do found[#found + 1] = in_campaign(unpack(keys, i, i + 4)) end
return found
