-- Asks for a permit to make one request for an account. include/permits decides whether there is one.
-- KEYS: 1 account, 2 the base of its permits' names
-- ARGV: 1 now (ms or 0), 2 permit id, 3 'read', 'quick' or 'paid', 4..10 limits (see include/permits), 11 account
-- Returns: {0} granted, now or by a repeated call; {wait in us, why} otherwise.
-- @include clock, permits
local account_key, permits_base = KEYS[1], KEYS[2]
local keys = permit_keys(ARGV[11], account_key, permits_base)
local wait, why = take_permit(keys, permit_limits(4), ARGV[2], ARGV[3], clock_us(ARGV[1]))
if wait == 0 then return {0} end
return {wait, why}
