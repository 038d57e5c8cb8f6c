-- A batch as planning stores it.
-- @include lookalikes

-- Stores a planned batch and its body. `row`: its number of recipients, body (zlib), mailings (JSON) and moment before
-- which it stays here (unix ms; 0: none). `of`: lives of body and lookalikes (ms), account and kind. `more`: further
-- fields and values.
local function store_batch(k, batch_id, row, of, more, now)
  -- A scheduled batch waits here until its time: lives count from then.
  local later = math.max(0, tonumber(row[4]) - now)
  redis.call('SET', k.body, row[2], 'PX', string.format('%.0f', of.body_life + later))
  redis.call('HSET', k.batch, 'state', 'planned', 'since_ms', now, 'n', row[1], 'mailings', row[3],
    'account', of.account, 'kind', of.kind, 'attempt', 0, 'final', 0, 'v', 0, unpack(more))
  if row[4] ~= '0' then redis.call('HSET', k.batch, 'not_before_ms', row[4]) end
  for i, lookalikes in ipairs(k.lookalikes) do
    remember_lookalike(lookalikes, batch_id .. ':' .. (i - 1), now, of.lookalikes_life + later)
  end
end
