-- The gateway's ids of a batch's mailings, by which messages can be found and the listing can be trusted.
-- @include held_hashes

-- The field of a batch that holds its fence once everybody in the mailing of a request was erased, and its ids with
-- them. The fence tells that request from a later one.
local function emptied(mailing) return 'emptied:' .. mailing end

-- The ids of a batch (JSON object: mailing → id or list of ids) without those of one mailing.
local function ids_without(ids, mailing)
  return (string.gsub(string.gsub(ids, '"' .. mailing .. '":%[?[%d,]*%]?,?', ''), ',}$', '}'))
end

-- `ids` without those of mailings of which all recipients were erased: a late answer does not bring them back.
local function ids_of_the_left(batch, fence, ids)
  for mailing in string.gmatch(ids, '"(%d+)":') do
    if hget(batch, emptied(mailing)) == fence then ids = ids_without(ids, mailing) end
  end
  return ids
end

-- Records the ids of a batch: `ids` as its field holds them (JSON object: mailing → id or ids), and for each new one a
-- row of `messages`: key, its value `<batch id>:<mailing>`, id. They live for `life` (ms). Returns the new ids that are
-- to be known; or nil, and writes nothing, if the batch was claimed anew since: it must have `fence`.
local function write_message_ids(batch, fence, ids, messages, life)
  if hget(batch, 'fence') ~= fence then return nil end
  local left, new = ids_of_the_left(batch, fence, ids), {}
  if left ~= '{}' then hset(batch, 'message_ids', left) end
  for _, row in ipairs(messages) do
    if hget(batch, emptied(string.match(row[2], ':(%d+)$'))) ~= fence then
      redis.call('SET', row[1], row[2], 'PX', life)
      new[#new + 1] = row[3]
    end
  end
  return new
end

-- Adds to the known ids of an account, of which the last thousand live for `life` (ms).
local function know_ids(known, ids, life, now)
  local scored = {}
  for i, id in ipairs(ids) do scored[2 * i - 1], scored[2 * i] = now, id end
  if #ids > 0 then redis.call('ZADD', known, unpack(scored)) end
  redis.call('ZREMRANGEBYRANK', known, 0, -1001)
  redis.call('PEXPIRE', known, life)
end

-- Does both. Returns false, and writes nothing, if the batch was claimed anew since.
local function record_message_ids(batch, known, fence, ids, messages, life, now)
  local new = write_message_ids(batch, fence, ids, messages, life)
  if not new then return false end
  know_ids(known, new, life, now)
  return true
end

-- Erases the ids of a mailing, all of whose recipients were erased, from its batch for good.
local function erase_message_ids(batch, mailing, fence)
  local left = ids_without(hget(batch, 'message_ids') or '{}', mailing)
  if left == '{}' then hdel(batch, 'message_ids') else hset(batch, 'message_ids', left) end
  hset(batch, emptied(mailing), fence)
end
