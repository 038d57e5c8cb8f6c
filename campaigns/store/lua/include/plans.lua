-- What becomes visible of a plan once it is complete.
-- @include counters, finish_campaign

-- Counts what planning brought. `plan`: kind, account, batches, planned (recipients) and excluded (recipients by
-- reason).
local function tally_planned(plan)
  local recipients = 'recipients|' .. plan.kind .. '||'
  tally(plan.account, 'batches||planned', plan.batches)
  tally(plan.account, recipients .. 'planned', plan.planned)
  for _, reason in ipairs(EXCLUDED) do tally(plan.account, recipients .. reason, plan.excluded[reason] or 0) end
end

-- The data of the event by which a campaign becomes ready, or with `draft`, its name, a draft; `why` it does.
local function planned_data(kind, total, planned, batches, draft, why)
  local data = '{"kind":"' .. kind .. '","total":' .. total .. ',"planned":' .. planned .. ',"batches":' .. batches
  if draft then
    local by = redis.call('HGET', draft, 'by') or ''
    data = data .. ',"by":' .. cjson.encode(by) .. ',"reason":' .. cjson.encode(why)
  end
  return data .. '}'
end
