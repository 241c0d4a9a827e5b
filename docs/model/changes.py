"""What differs from the first design (docs/decisions.md), searched with its protocols: Revoke gives the secret a new version
key; every operation writes the access record too; an update drops a service key that was replaced; a deletion takes what it met."""
import sys
import protocols as p
from protocols import S, A, R, SV, V, live

WEB = 'row/web/s'  # another grantee, who stays
def base():
    d = {k: v for k, (v, _) in p.base().items()}
    d[A] = (('api', ('K1',)), ('web', ('W1',)))
    d[WEB] = ('id1', frozenset({('k1', 'W1')}))
    return {k: (v, i + 1) for i, (k, v) in enumerate(d.items())}

def rows(access, id, kid): return {f'row/{svc}/s': (id, frozenset((kid, K) for K in keys)) for svc, keys in access}

def revoke(rekey=True, tries=3):
    def run():
        for n in range(tries):
            s, a = yield ('get', (S, A))
            if not live(s): return 'notfound'
            stay = tuple(x for x in a[0] if x[0] != 'api')
            if stay == a[0]: return 'ok'
            kid = f'revoke{n}' if rekey else s[0][1]
            puts = rows(stay, s[0][0], kid) if rekey else {}
            r = yield ('commit', {S: V(s)}, {S: (s[0][0], kid, None, 'live'), A: stay, **puts}, (R,))
            if r == 'ok': return 'ok'
        return 'gaveup'
    return run

def update(pid, tries=2):
    def run():
        for n in range(tries):
            s, a = yield ('get', (S, A))
            if not live(s): return 'notfound'
            r = yield ('commit', {S: V(s)}, {S: (s[0][0], f'{pid}{n}', None, 'live'), A: a[0], **rows(a[0], s[0][0], f'{pid}{n}')}, ())
            if r == 'ok': return 'ok'
        return 'gaveup'
    return run

def stays(d):
    s, row = d.get(S), d.get(WEB)
    if live(s) and 'web' in dict(d[A][0]) and not (row and any(k == s[0][1] for k, _ in row[0][1])): return ['WHO STAYS CANNOT READ']
    return []

def end(d, status, g):
    ret, _, ever = g
    out = p.end(d, status, g) + stays(d)
    if 'api' in ret and 'api' not in dict(d[A][0]) and any(k == d[S][0][1] for k, _ in ever): out.append('A ROW PUT BACK OPENS')
    return out

def start():  # what the service was given before counts as well
    return (frozenset(), frozenset(), frozenset({('k1', 'K1')}))

def go(name, procs, **kw):
    return p.explore(name, base(), procs, start(), p.ghost, end, always=lambda d: p.always(d) + stays(d), **kw)

def narrowing(pid, drop=True, tries=3):
    "an update that reads the service beside the access record, and leaves the previous key out"
    def run():
        for n in range(tries):
            s, a, sv = yield ('get', (S, A, SV))
            if not live(s): return 'notfound'
            prev = sv[0][2] if drop and sv else None
            access = tuple((x, tuple(k for k in ks if k != prev)) for x, ks in a[0])
            kid = f'{pid}{n}'
            r = yield ('commit', {S: V(s)}, {S: (s[0][0], kid, None, 'live'), A: access, **rows(access, s[0][0], kid)}, ())
            if r == 'ok': return 'ok'
        return 'gaveup'
    return run

def late(pid, drop=True):
    "an update that begins once the flip is done"
    def run():
        sv, = yield ('get', (SV,))
        if sv is None or sv[0][0] == 'K1': return 'too early'
        return (yield from narrowing(pid, drop)())
    return run

def revoked_end(d, status, g):
    out = p.end(d, status, g)
    if status.get('late') == ('ret', 'ok') and any(k.startswith('late') and K == 'K1' for k, K in g[2]): out.append('PUT FOR THE KEY OF A REVOKED TOKEN')
    return out

def delete(pinned=True):
    def run():
        met = None
        for n in range(4):
            s, a = yield ('get', (S, A))
            if pinned and met and (s is None or s[0][0] != met): return 'ok'
            if not live(s): return 'ok' if met else 'notfound'
            met = s[0][0]
            r = yield ('commit', {S: V(s)}, {S: (met, None, None, 'dead')}, ())
            if r == 'ok': yield from p.clean()
        return 'gaveup'
    return run

def delete_ghost(g, store, op, rep, n):
    g = p.ghost(g, store, op, rep, n)
    if op[0] == 'commit' and rep == 'ok' and n == 'd' and S in op[2] and op[2][S][3] == 'dead' and A not in op[2]:
        g = (g[0], g[1], g[2] | {(n, 'killed', op[2][S][0])})
    return g

def delete_end(d, status, g):
    killed = [k for k in g[2] if len(k) == 3 and k[1] == 'killed']
    return ['DELETED THE SUCCESSOR'] if len(killed) > 1 else []

def quiet(d): return []

if __name__ == '__main__':
    L = 600000
    bad = go('update || Revoke || Grant', {'u': update('u'), 'revoke': revoke(), 'grant': p.grant()}, crashes=1, limit=L)
    bad |= go('Revoke || RevokeToken', {'revoke': revoke(), 'replace': p.replace('T1', 'K2')}, crashes=1, limit=L)
    bad |= go('Revoke || update || reader', {'revoke': revoke(), 'u': update('u'), 'reader': p.reader()}, crashes=1, limit=L)
    bad |= go('DeleteService || Revoke', {'ds': p.delete_service(), 'revoke': revoke()}, crashes=1, limit=L)
    narrow = lambda name, procs, **kw: p.explore(name, p.base(), procs, p.g0, p.ghost, revoked_end, always=p.always, **kw)
    bad |= narrow('narrowing update || RevokeToken', {'u': narrowing('u'), 'replace': p.replace('T1', 'K2')}, crashes=1, limit=L)
    bad |= narrow('late update || RevokeToken || reader', {'late': late('late'), 'replace': p.replace('T1', 'K2'), 'reader': p.reader()}, crashes=1, limit=L)
    two = lambda name, pinned: p.explore(name, p.base(), {'d': delete(pinned), 'e': p.delete_many(), 'c': p.create_grant()}, p.g0, delete_ghost, delete_end, always=quiet, limit=L)
    bad |= two('Delete || Delete || create again', True)
    print('the mutants must be found:')
    found = [go('Revoke keeps the key', {'revoke': revoke(rekey=False)}),
             narrow('an update keeps the previous key', {'late': late('late', drop=False), 'replace': p.replace('T1', 'K2')}, crashes=1, limit=L),
             two('a deletion takes whatever has the name', False)]
    sys.exit(bool(bad) or not all(found))
