"""What Redis itself does for presence: Lua scripts, each one atomic step, by the one clock that all processes share.

Keys of a workspace, all with its hash tag: `<k>` HASH epoch, rev, last sweep, end of a hold; `:people` ZSET person ->
end of their lease; `:tabs:<person>` ZSET tab -> end of its lease; `:said:<person>` HASH tab -> what it said; `:state`
HASH person -> all tabs folded into one; `:seen` HASH person -> last sign of life; `:due` ZSET person -> when something
they said ends; `:leaving` ZSET person -> when they are gone, as their last tab was closed.

Invariant: a person's state changes only together with `rev` and the message that tells it, so whoever has heard every
`rev` of an epoch knows the state. Leases are never counted up or down: what ends, ends by the clock.
"""

from __future__ import annotations

_COMMON = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local k = KEYS[1]
local PEOPLE, STATE, SEEN, DUE, LEAVING = k..':people', k..':state', k..':seen', k..':due', k..':leaving'
local function tabs(p) return k..':tabs:'..p end
local function said(p) return k..':said:'..p end
local function epoch()
  redis.call('HSETNX', k, 'epoch', clock[1]..'.'..clock[2])
  return redis.call('HGET', k, 'epoch')
end
local function rev() return tonumber(redis.call('HGET', k, 'rev') or '0') end
local function tell(p, state)
  local new = redis.call('HINCRBY', k, 'rev', 1)
  local seen = redis.call('HGET', SEEN, p) or tostring(now)
  redis.call('PUBLISH', ARGV[1], epoch()..' '..new..' '..p..' '..seen..'\\n'..state)
end
local function drop(p)
  local is_there = redis.call('ZREM', PEOPLE, p) == 1
  local seen = redis.call('HGET', SEEN, p) or tostring(now)
  redis.call('ZREM', LEAVING, p)
  redis.call('ZREM', DUE, p)
  redis.call('DEL', tabs(p), said(p))
  if redis.call('HDEL', STATE, p) == 1 or is_there then tell(p, '') end
  redis.call('HDEL', SEEN, p)
  return seen
end
local function before(a, b)
  for i = 4, 1, -1 do if a[i] ~= b[i] then return a[i] < b[i] end end
  return false
end
local function put(p, id, status, audience, doing)
  local state = cjson.encode({id, status, audience, doing})
  if state ~= redis.call('HGET', STATE, p) then
    redis.call('HSET', STATE, p, state)
    tell(p, state)
  end
  return state
end
-- What a tab says: {status, thing, field, mode, since, end, audience of the thing}. A wish not to be disturbed counts
-- on all devices; else one tab that is in use is enough to be online.
local function fold(p, id, audience)
  local found, doing, at, due = {}, {}, {}, math.huge
  local all = redis.call('HGETALL', said(p))
  for i = 1, #all, 2 do
    local tab = cjson.decode(all[i + 1])
    found[tab[1]] = true
    if tab[2] ~= '' and tab[6] > now then
      local what = tab[2]..tab[3]..tab[4]
      if not at[what] then
        doing[#doing + 1] = {tab[2], tab[3], tab[4], tab[5], tab[7]}
        at[what] = #doing
      elseif tab[5] < doing[at[what]][4] then
        doing[at[what]][4] = tab[5]
      end
      due = math.min(due, tab[6])
    end
    due = math.min(due, tonumber(redis.call('ZSCORE', tabs(p), all[i]) or now))
  end
  table.sort(doing, before)
  if due < math.huge then redis.call('ZADD', DUE, due, p) else redis.call('ZREM', DUE, p) end
  local status = 'ONLINE'
  if found['DO_NOT_DISTURB'] then
    status = 'DO_NOT_DISTURB'
  elseif found['AWAY'] and not found['ONLINE'] then
    status = 'AWAY'
  end
  return put(p, id, status, audience, doing)
end
local function forget_ended_tabs(p)
  for _, tab in ipairs(redis.call('ZRANGEBYSCORE', tabs(p), '-inf', now)) do
    redis.call('ZREM', tabs(p), tab)
    redis.call('HDEL', said(p), tab)
  end
end
"""

TOUCH = (
    _COMMON
    + """
-- channel, person, tab, lease, id, audience, status ('' keep), activity ('=' keep, '-' none, '+' the next five):
-- thing, field, mode, audience, lease; most tabs
local p, tab, ends = ARGV[2], ARGV[3], now + tonumber(ARGV[4])
redis.call('ZADD', tabs(p), ends, tab)
local more = redis.call('ZCARD', tabs(p)) - tonumber(ARGV[14])
if more > 0 then
  for _, old in ipairs(redis.call('ZRANGE', tabs(p), 0, more - 1)) do
    redis.call('ZREM', tabs(p), old)
    redis.call('HDEL', said(p), old)
  end
end
redis.call('PEXPIRE', tabs(p), tonumber(ARGV[4]) * 4)
redis.call('ZADD', PEOPLE, 'GT', ends, p)
redis.call('ZREM', LEAVING, p)
redis.call('HSET', SEEN, p, now)
local old = redis.call('HGET', said(p), tab)
local one = old and cjson.decode(old) or {'', '', '', '', 0, 0, ''}
if ARGV[7] ~= '' then one[1] = ARGV[7] end
if ARGV[8] == '-' then
  one = {one[1], '', '', '', 0, 0, ''}
elseif ARGV[8] == '+' then
  local is_same = one[2] == ARGV[9] and one[3] == ARGV[10] and one[4] == ARGV[11] and one[6] > now
  one = {one[1], ARGV[9], ARGV[10], ARGV[11], is_same and one[5] or now, now + tonumber(ARGV[13]), ARGV[12]}
end
if one[1] ~= '' or one[2] ~= '' then
  redis.call('HSET', said(p), tab, cjson.encode(one))
  redis.call('PEXPIRE', said(p), tonumber(ARGV[4]) * 4)
end
local state = fold(p, ARGV[5], ARGV[6])
return {p, state, tostring(now)}
"""
)
"""A tab lives, and perhaps says something. -> person, state, last sign of life."""

BEAT = (
    _COMMON
    + """
-- channel, lease, then person, tab, person, tab...
local ends, unknown = now + tonumber(ARGV[2]), {}
for i = 3, #ARGV, 2 do
  local p, tab = ARGV[i], ARGV[i + 1]
  if redis.call('ZSCORE', tabs(p), tab) and redis.call('ZSCORE', PEOPLE, p) then
    redis.call('ZADD', tabs(p), ends, tab)
    redis.call('PEXPIRE', tabs(p), tonumber(ARGV[2]) * 4)
    redis.call('PEXPIRE', said(p), tonumber(ARGV[2]) * 4)
    redis.call('ZADD', PEOPLE, 'GT', ends, p)
    redis.call('HSET', SEEN, p, now)
  else
    unknown[#unknown + 1] = (i - 3) / 2
  end
end
return unknown
"""
)
"""Many tabs live, as before. -> the places of those that are not known: they must be touched."""

LEAVE = (
    _COMMON
    + """
-- channel, person, tab, grace
local p = ARGV[2]
local was_there = redis.call('ZREM', tabs(p), ARGV[3])
redis.call('HDEL', said(p), ARGV[3])
local state = redis.call('HGET', STATE, p)
if was_there == 0 or not state then return 0 end
state = cjson.decode(state)
redis.call('HSET', SEEN, p, now)
local last = redis.call('ZREVRANGE', tabs(p), 0, 0, 'WITHSCORES')
if last[1] then
  redis.call('ZADD', PEOPLE, last[2], p)
  fold(p, state[1], state[3])
else
  redis.call('ZADD', LEAVING, now + tonumber(ARGV[4]), p)
  put(p, state[1], state[2], state[3], {})
end
return 1
"""
)
"""A tab was closed. If it was the last the person stays for the grace, so that a reload is no departure."""

EVICT = (
    _COMMON
    + """
-- channel, person
drop(ARGV[2])
return 1
"""
)
"""Somebody may not be shown any more: they are gone at once."""

SWEEP = (
    _COMMON
    + """
-- channel, longest gap between sweeps, hold after a longer one, most at once, life of the keys
local last, hold = tonumber(redis.call('HGET', k, 'last') or '0'), tonumber(redis.call('HGET', k, 'hold') or '0')
redis.call('HSET', k, 'last', now)
if now - last > tonumber(ARGV[2]) then
  hold = now + tonumber(ARGV[3])
  redis.call('HSET', k, 'hold', hold)
end
if now - tonumber(redis.call('HGET', k, 'kept') or '0') > tonumber(ARGV[5]) / 2 then
  redis.call('HSET', k, 'kept', now)
  for _, key in ipairs({k, PEOPLE, STATE, SEEN, DUE, LEAVING}) do redis.call('PEXPIRE', key, ARGV[5]) end
end
local gone = {}
for _, p in ipairs(redis.call('ZRANGEBYSCORE', LEAVING, '-inf', now, 'LIMIT', 0, ARGV[4])) do
  gone[#gone + 1] = p
  gone[#gone + 1] = drop(p)
end
if now >= hold then
  for _, p in ipairs(redis.call('ZRANGEBYSCORE', PEOPLE, '-inf', now, 'LIMIT', 0, ARGV[4])) do
    gone[#gone + 1] = p
    gone[#gone + 1] = drop(p)
  end
end
for _, p in ipairs(redis.call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, ARGV[4])) do
  if now >= hold then forget_ended_tabs(p) end
  local state = redis.call('HGET', STATE, p)
  if state then
    state = cjson.decode(state)
    fold(p, state[1], state[3])
  else
    redis.call('ZREM', DUE, p)
  end
end
return {epoch(), rev(), math.max(0, hold - now), gone}
"""
)
"""End what is over. Each departure is in the answer to exactly one caller. -> epoch, rev, hold left, (person, seen)...

After a gap Redis was frozen, restarted or nobody looked: leases that ended meanwhile say nothing, so for a while only
those leave who said so themselves.
"""

SNAPSHOT = (
    _COMMON
    + """
local found = redis.call('HGETALL', STATE)
local all = {}
for i = 1, #found, 2 do
  all[#all + 1] = found[i]
  all[#all + 1] = found[i + 1]
  all[#all + 1] = redis.call('HGET', SEEN, found[i]) or tostring(now)
end
local left = tonumber(redis.call('HGET', k, 'hold') or '0') - now
if now - tonumber(redis.call('HGET', k, 'last') or '0') > tonumber(ARGV[2]) then left = tonumber(ARGV[3]) end
return {epoch(), rev(), math.max(0, left), all}
"""
)
"""Everybody who is here; channel, gap and hold as for a sweep. -> epoch, rev, hold left, (person, state, seen)..."""
