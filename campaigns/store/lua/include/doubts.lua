-- Doubts about a batch: what puts a planned one in doubt, and the record of doubts, which outlives their events.
-- @include held_hashes

-- Appends a step into `unknown` or out of it. Of very many only the first are kept.
local function note_doubt(batch, state, reason, by, now)
  local doubts = hget(batch, 'doubts') or '[]'
  if #doubts > 4000 then return end
  local step = cjson.encode({now, state, reason, by})
  hset(batch, 'doubts', string.sub(doubts, 1, -2) .. (doubts == '[]' and '' or ',') .. step .. ']')
end

-- The rule of the callback: why a planned batch must not be sent, or nil. `resent_ms` and `callback_ms` are its fields:
-- a request of it was taken for lost, and the gateway called back about it since.
local function called_back(resent_ms, callback_ms)
  if resent_ms and (callback_ms or '') ~= '' then
    return 'the gateway called back about a request that was taken for lost'
  end
end
