//! What Redis has no command for: scripts that it runs as one. It keeps them under their digests, so their text is sent
//! only if it has forgotten them.

/// A script, and its SHA-1 by which the server finds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Script {
    pub(super) digest: &'static str,
    pub(super) text: &'static str,
}

/// Adds to a number; a new one gets a time to live. The sum is read as text: as a number of the script it would be a double.
/// ARGV: amount, milliseconds.
pub(super) const ADD: Script = Script {
    digest: "061c58c30b57ad816ddbc90bdaf180165837a37a",
    text: "\
if redis.call('EXISTS', KEYS[1]) == 0 then
  if ARGV[2] ~= '0' then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
  return ARGV[1]
end
redis.call('INCRBY', KEYS[1], ARGV[1])
return redis.call('GET', KEYS[1])",
};

/// Writes if the value is as expected.
/// ARGV: whether one is expected, which, whether one is to be written, which, milliseconds or nothing.
pub(super) const SWAP: Script = Script {
    digest: "2493d9e4d7ababc804e2aa35082a896f8e30bd64",
    text: "\
local was = redis.call('GET', KEYS[1])
if ARGV[1] == '1' then
  if was ~= ARGV[2] then return 0 end
elseif was then
  return 0
end
if ARGV[3] ~= '1' or ARGV[5] == '0' then
  redis.call('DEL', KEYS[1])
elseif ARGV[5] == '' then
  redis.call('SET', KEYS[1], ARGV[4])
else
  redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5])
end
return 1",
};

/// Takes steps up to the first that goes beyond its bound. What it computes is within 2^53, where doubles are exact; that is
/// why the bound is compared with a difference, and not with a sum.
/// ARGV for each key: floor, amount, bound, milliseconds or nothing. Returns for each step: the value, whether it was taken.
pub(super) const ADVANCE: Script = Script {
    digest: "1769941cb47624520c9742c6e6ebca69d3568878",
    text: "\
local stands = {}
for i = 1, #KEYS do
  local at = 4 * i - 3
  local value = tonumber(ARGV[at])
  local was = redis.call('GET', KEYS[i])
  if was then
    if was ~= '0' and not string.find(was, '^-?[1-9]%d*$') then return redis.error_reply('NOTANUMBER') end
    local number = tonumber(was)
    if string.format('%.0f', number) ~= was or math.abs(number) > 9007199254740992 then
      return redis.error_reply('NOTANUMBER')
    end
    if number > value then value = number end
  end
  local taken = tonumber(ARGV[at + 1]) <= tonumber(ARGV[at + 2]) - value
  if taken then value = value + tonumber(ARGV[at + 1]) end
  local text = string.format('%.0f', value)
  stands[2 * i - 1] = text
  stands[2 * i] = taken and 1 or 0
  if not taken then break end
  local ttl = ARGV[at + 3]
  if ttl == '0' then
    redis.call('DEL', KEYS[i])
  elseif ttl == '' then
    redis.call('SET', KEYS[i], text)
  else
    redis.call('SET', KEYS[i], text, 'PX', ttl)
  end
end
return stands",
};
