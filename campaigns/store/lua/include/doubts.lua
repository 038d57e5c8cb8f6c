-- Doubts about a batch and how they ended, told to who asks about a person long after their events are gone.

-- One more step: into `unknown`, or out of it. Of very many only the first are kept.
local function note_doubt(batch, state, reason, by, now)
  local doubts = redis.call('HGET', batch, 'doubts') or '[]'
  if #doubts > 4000 then return end
  local step = cjson.encode({now, state, reason, by})
  redis.call('HSET', batch, 'doubts', string.sub(doubts, 1, -2) .. (doubts == '[]' and '' or ',') .. step .. ']')
end
