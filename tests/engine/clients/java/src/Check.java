/** What ends the program with 1. */
final class Check {
    static final String ODD = "it's \\ one\n\tü$x";
    static final String MOST = "18446744073709551615";
    static final long NUMBERS = 5_000_000;
    static final int LINES = 2_000;
    static final String FAILS_LATE = "SELECT number, throwIf(number = 2000000, 'too far') AS x FROM numbers(3000000)"
        + " SETTINGS max_block_size = 10000";
    static final String ENDLESS = "SELECT count() FROM system.numbers WHERE NOT ignore(sleepEachRow(1))"
        + " SETTINGS max_block_size = 1";

    static void that(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    static void equal(Object expected, Object got) {
        that(expected.equals(got), "expected " + expected + ", got " + got);
    }

    static void fails(String code, Action action) throws Exception {
        try {
            action.run();
        } catch (Exception error) {
            StringBuilder all = new StringBuilder();
            for (Throwable one = error; one != null; one = one.getCause()) {
                all.append(one).append('\n');
            }
            that(all.toString().contains(code), all.toString());
            return;
        }
        throw new AssertionError("no error " + code);
    }

    interface Action {
        void run() throws Exception;
    }
}
