"""Replacing the key of an organization while others write: a new key is added and is the primary one in the same commit, each record is sealed
anew by itself, and the old key goes when none needs it. A value is what was written, the key of its tag, and that of the wrap in it, which a
writer may carry over as it is."""
import sys
from explore import explore

O, RECORDS = 'orgs/o', ('access', 'secret')
def version(e): return e[1] if e else 0

def write(pid, checks_org=True, carried=('secret',), tries=4):
    """any operation: it adds its name to both records, tagged under the primary key that it read with them, and carries the secret's wrap over:
    it may, into a record that the commit checks"""
    def run():
        for _ in range(tries):
            org, *records = yield ('get', (O, *RECORDS))
            keys, _ = org[0]
            if any(k not in keys for r in records for k in r[0][1:]): return 'tampered'
            checks = {'secret': version(records[1])} | ({O: version(org)} if checks_org else {})
            puts = {k: (r[0][0] + (pid,), keys[-1], r[0][2] if k in carried else keys[-1]) for k, r in zip(RECORDS, records)}
            if (yield ('commit', checks, puts, ())) == 'ok': return 'ok'
        return 'gaveup'
    return run

def create(pid, checks_org=True, tries=4):
    "a record that was not there: its own version says nothing about who else wrote"
    def run():
        for _ in range(tries):
            org, made = yield ('get', (O, 'made'))
            if made: return 'exists'
            checks = {'made': 0} | ({O: version(org)} if checks_org else {})
            if (yield ('commit', checks, {'made': ((pid,), org[0][0][-1], org[0][0][-1])}, ())) == 'ok': return 'ok'
        return 'gaveup'
    return run

def rotate(new, checks_org=True, checks_record=True, looks_again=True, eager=False, tries=5):
    "RotateKey: whoever finds two keys joins, towards the one that is primary"
    def run():
        target = None
        for _ in range(tries):
            org, = yield ('get', (O,))
            keys, serial = org[0]
            if target is not None and keys == (target,): return 'ok'
            if target is not None and target not in keys: return 'ok'  # a later rotation has replaced it
            if len(keys) == 1:
                if target is not None: return 'ok'
                if (yield ('commit', {O: version(org)}, {O: ((keys[0], new), serial + 1)}, ())) == 'ok' or eager: target = new
                continue
            target = keys[-1]
            again = False
            for record in (*RECORDS, 'made'):
                r, = yield ('get', (record,))
                if not r or r[0][1:] == (target, target): continue
                checks = ({O: version(org)} if checks_org else {}) | ({record: version(r)} if checks_record else {})
                yield ('commit', checks, {record: (r[0][0], target, target)}, ())
                again = looks_again  # until a look finds nothing to do
            if again: continue
            yield ('commit', {O: version(org)}, {O: ((target,), serial + 1)}, ())
        return 'gaveup'
    return run

def always(d):
    keys = d[O][0][0]
    return [f'{k} DOES NOT OPEN' for k in d if k != O and not set(d[k][0][1:]) <= set(keys)]

def end(d, status, done):
    out = [f'{k} HAS LOST WHAT {n} WROTE' for k in RECORDS for n in done if n not in d[k][0][0]]
    if d['access'][0][0] != d['secret'][0][0]: out.append('THE RECORDS DO NOT AGREE')
    for n, (s, *ret) in ((n, s if isinstance(s, tuple) else (s,)) for n, s in status.items()):
        if n[0] == 'r' and ret == ['ok'] and 'k0' in d[O][0][0]: out.append('THE OLD KEY IS LEFT')
        if ret == ['tampered']: out.append('A FALSE TAMPERED')
    return out

def wrote(done, store, op, rep, n): return done | {n} if op[0] == 'commit' and rep == 'ok' and n[0] == 'w' else done

def go(name, procs, **kw):
    start = {O: ((('k0',), 1), 1), 'access': (((), 'k0', 'k0'), 2), 'secret': (((), 'k0', 'k0'), 3)}
    return explore(name, start, procs, frozenset(), wrote, end, always=always, limit=1500000, **kw)

if __name__ == '__main__':
    bad = go('rotation || write || write', {'r': rotate('k1'), 'w1': write('w1'), 'w2': write('w2')}, crashes=1)
    bad |= go('rotation || write || creation', {'r': rotate('k1'), 'w': write('w'), 'c': create('c')}, crashes=1)
    bad |= go('rotation || rotation', {'r1': rotate('k1'), 'r2': rotate('k2')}, crashes=1)
    bad |= go('rotation || rotation || creation', {'r1': rotate('k1', tries=3), 'r2': rotate('k2', tries=3), 'c': create('c', tries=2)})
    print('the mutants must be found:')
    found = [go('a key is taken for added before it is', {'r1': rotate('k1', eager=True), 'r2': rotate('k2', eager=True)}, crashes=1),
             go('a creation does not check the organization', {'r': rotate('k1'), 'c': create('c', checks_org=False)}),
             go('a record is sealed anew whatever it is by now', {'r': rotate('k1', checks_record=False), 'w': write('w')}),
             go('a wrap is carried into a record that the commit does not check',
                {'r': rotate('k1'), 'w1': write('w1', carried=RECORDS), 'w2': write('w2', carried=RECORDS)}),
             go('no second look', {'r': rotate('k1', looks_again=False), 'w': write('w')})]
    sys.exit(bool(bad) or not all(found))
