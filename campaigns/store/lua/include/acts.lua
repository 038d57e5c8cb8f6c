-- The record of what people do.

-- How many acts are kept.
local MOST_ACTS = 100000

-- Records the act of a person, in the step that carries it out. `act`: JSON object of the texts `deed`, `of`, `by`,
-- `why` and `detail`, or '' where no person acts. `number`: of recipients or phones, or ''. `call` names the call,
-- where the act itself does not show that it was carried out already.
local function note_act(audit, act, number, now, call)
  if act == '' then return end
  local fields = cjson.decode(act)
  redis.call('XADD', audit, 'MAXLEN', '~', MOST_ACTS, '*', 'deed', fields.deed, 'of', fields.of, 'by', fields.by,
    'why', fields.why, 'detail', fields.detail, 'number', number, 'at_ms', string.format('%.0f', now), 'call',
    call or '')
end
