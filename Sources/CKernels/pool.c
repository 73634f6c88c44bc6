#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "CTuningKernels.h"

struct ck_pool {
    pthread_mutex_t lock;
    pthread_cond_t work_given, work_done;
    size_t threads;
    // Under `lock`: grows by one at each run; threads still busy with it; asked to end.
    unsigned long run;
    size_t busy;
    int ending;
    // Of the current run; constant while any thread is busy.
    size_t items;
    void (*work)(void *, size_t, size_t);
    void *context;
    atomic_size_t next;
    struct ck_worker {
        struct ck_pool *pool;
        size_t number;
        pthread_t thread;
    } workers[];
};

static void take_items(ck_pool *pool, size_t worker) {
    for (;;) {
        const size_t item = atomic_fetch_add(&pool->next, 1);
        if (item >= pool->items) return;
        pool->work(pool->context, worker, item);
    }
}

static void *worker_main(void *argument) {
    struct ck_worker *self = argument;
    ck_pool *pool = self->pool;
    unsigned long seen = 0;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->run == seen && !pool->ending) pthread_cond_wait(&pool->work_given, &pool->lock);
        if (pool->ending) break;
        seen = pool->run;
        pthread_mutex_unlock(&pool->lock);
        take_items(pool, self->number);
        pthread_mutex_lock(&pool->lock);
        if (--pool->busy == 0) pthread_cond_signal(&pool->work_done);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

ck_pool *ck_pool_create(size_t workers) {
    const size_t threads = workers > 1 ? workers - 1 : 0;
    ck_pool *pool = calloc(1, sizeof(ck_pool) + threads * sizeof(struct ck_worker));
    if (!pool) return NULL;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work_given, NULL);
    pthread_cond_init(&pool->work_done, NULL);
    for (; pool->threads < threads; pool->threads++) {
        struct ck_worker *worker = &pool->workers[pool->threads];
        worker->pool = pool;
        worker->number = pool->threads + 1;
        if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0) {
            ck_pool_destroy(pool);
            return NULL;
        }
    }
    return pool;
}

void ck_pool_destroy(ck_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    pool->ending = 1;
    pthread_cond_broadcast(&pool->work_given);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->threads; i++) pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->work_done);
    pthread_cond_destroy(&pool->work_given);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void ck_pool_run(ck_pool *pool, size_t items, void (*work)(void *, size_t, size_t), void *context) {
    pthread_mutex_lock(&pool->lock);
    pool->items = items;
    pool->work = work;
    pool->context = context;
    atomic_store(&pool->next, 0);
    pool->busy = pool->threads;
    pool->run++;
    pthread_cond_broadcast(&pool->work_given);
    pthread_mutex_unlock(&pool->lock);
    take_items(pool, 0);
    pthread_mutex_lock(&pool->lock);
    while (pool->busy > 0) pthread_cond_wait(&pool->work_done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}
