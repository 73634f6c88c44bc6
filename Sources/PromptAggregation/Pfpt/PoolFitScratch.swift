/// Room for one client's gradients and gains, and for a pass over the whole pool.
final class PoolFitScratch {
    let inputs, precision, logVariance, byMean, byLogit, byInput: FloatBuffer
    let logits, byLogOdds, offset, gains, rowGains, floors: FloatBuffer

    init(locals: Int, pool: Int, width: Int) {
        inputs = FloatBuffer(count: locals * width)
        precision = FloatBuffer(count: locals * width)
        logVariance = FloatBuffer(count: locals)
        byMean = FloatBuffer(count: locals * width)
        byLogit = FloatBuffer(count: locals * width)
        byInput = FloatBuffer(count: locals * width)
        logits = FloatBuffer(count: max(locals, pool) * width)
        byLogOdds = FloatBuffer(count: pool)
        offset = FloatBuffer(count: pool)
        gains = FloatBuffer(count: locals * pool)
        rowGains = FloatBuffer(count: pool)
        floors = FloatBuffer(count: locals)
    }
}
