-- Notes what a person did, in the step that does it. `act` is a JSON object of the texts `deed`, `of`, `by`, `why` and
-- `detail`, or '' if nobody did it; `number`: how many recipients or phones it was about, or
-- ''. `call`: what names the call, where the act itself does not show that it was done already.
local MOST_ACTS = 100000

local function note_act(audit, act, number, now, call)
  if act == '' then return end
  local said = cjson.decode(act)
  redis.call('XADD', audit, 'MAXLEN', '~', MOST_ACTS, '*', 'deed', said.deed, 'of', said.of, 'by', said.by,
    'why', said.why, 'detail', said.detail, 'number', number, 'at_ms', string.format('%.0f', now), 'call', call or '')
end
