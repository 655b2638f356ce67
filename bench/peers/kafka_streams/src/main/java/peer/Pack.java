package peer;

/** Whole numbers of any width in bytes, the highest byte first. */
final class Pack {
    private Pack() {}

    static void put(byte[] bytes, int at, int width, long number) {
        for (int index = 0; index < width; index++) {
            bytes[at + index] = (byte) (number >>> 8 * (width - 1 - index));
        }
    }

    static long get(byte[] bytes, int at, int width) {
        long number = 0;
        for (int index = 0; index < width; index++) {
            number = number << 8 | bytes[at + index] & 0xff;
        }
        return number;
    }
}
