-- Messages that arrive after their fallback was announced.
-- @include event

-- Reports those of the changes of an event (`data`, JSON) that are such messages, each once. `announced`: hash of their
-- phones by when (unix ms; negative once they arrived).
-- Emits: deliveries.late.
local function report_late(announced, events, campaign, campaign_id, batch_id, data, now)
  local event, late = cjson.decode(data), {}
  for _, change in ipairs(event.changes) do
    if change[2] == 'DELIVERED' or change[2] == 'READ' then
      local at = tonumber(redis.call('HGET', announced, change[1]) or '0')
      if at > 0 then
        redis.call('HSET', announced, change[1], string.format('%.0f', 0 - at))
        late[#late + 1] = change
      end
    end
  end
  if #late == 0 then return end
  event.changes = late
  emit(events, campaign, campaign_id, 'deliveries.late', batch_id, cjson.encode(event), now)
end
