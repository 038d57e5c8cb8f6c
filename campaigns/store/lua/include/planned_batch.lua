-- A batch as planning stores it.
-- @include lookalikes

-- Stores a planned batch and its body under the names `batch_key` and `body_key`. `batch`: `n` (recipients), `body`
-- (zlib), `mailings` (JSON), `not_before_ms` (moment before which it stays here, unix ms; 0: none), `lookalikes` (their
-- names). `of`: lives of body and lookalikes (ms), account and kind. `more`: further fields and values.
local function store_batch(batch_key, body_key, id, batch, of, more, now)
  -- A scheduled batch waits here until its time: lives count from then.
  local later = math.max(0, batch.not_before_ms - now)
  redis.call('SET', body_key, batch.body, 'PX', string.format('%.0f', of.body_life + later))
  redis.call('HSET', batch_key, 'state', 'planned', 'since_ms', now, 'n', batch.n, 'mailings', batch.mailings,
    'account', of.account, 'kind', of.kind, 'attempt', 0, 'final', 0, 'v', 0, unpack(more))
  if batch.not_before_ms > 0 then
    redis.call('HSET', batch_key, 'not_before_ms', string.format('%.0f', batch.not_before_ms))
  end
  for i, lookalikes in ipairs(batch.lookalikes) do
    remember_lookalike(lookalikes, id .. ':' .. (i - 1), now, of.lookalikes_life + later)
  end
end
