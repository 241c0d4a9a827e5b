"""Revoke gives the secret a new version key; every operation writes the access record too (docs/decisions.md).
Searched with the protocols of the design, which stand beside the checkout: python3 docs/model/revoke.py [folder of the model]"""
import os, sys
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, '../../../shared/model'))
import protocols as p
from protocols import S, A, R, V, live

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

if __name__ == '__main__':
    L = 600000
    bad = go('update || Revoke || Grant', {'u': update('u'), 'revoke': revoke(), 'grant': p.grant()}, crashes=1, limit=L)
    bad |= go('Revoke || RevokeToken', {'revoke': revoke(), 'replace': p.replace('T1', 'K2')}, crashes=1, limit=L)
    bad |= go('Revoke || update || reader', {'revoke': revoke(), 'u': update('u'), 'reader': p.reader()}, crashes=1, limit=L)
    bad |= go('DeleteService || Revoke', {'ds': p.delete_service(), 'revoke': revoke()}, crashes=1, limit=L)
    print('the mutant must be found:')
    found = go('Revoke keeps the key', {'revoke': revoke(rekey=False)})
    sys.exit(bool(bad) or not found)
